// SPDX-License-Identifier: GPL-2.0-or-later
// netwright paths as people use it: every way that exists here counts the packets that came to it, and nothing stays.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "support/program.h"

namespace fs = std::filesystem;

namespace {

// Slow enough for the smallest queue on the way (256 frames) on a machine that has other work.
constexpr const char* gentle = " paths --rate 5k --runs 1 --duration 200ms";

support::Output paths(const std::string& arguments, const std::string& before = "")
{
    return support::run({"sh", "-c", before + NETWRIGHT_BINARY + arguments});
}

nlohmann::json measured(const std::string& arguments)
{
    const auto output = paths(gentle + arguments + " --json");
    REQUIRE_MESSAGE(output.status == 0, output.out);
    return nlohmann::json::parse(output.out);
}

// Kernel threads, devices and programs of a namespace that was left go when the kernel gets round to it.
bool soon(const std::function<bool()>& holds)
{
    for (int i = 0; i < 100 && !holds(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return holds();
}

bool lines_of(const std::string& out, std::size_t wanted)
{
    return static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n')) == wanted;
}

// Namespaces of its own with an empty /run and a place of its own for temporary files: whatever appears there is ours.
class Desk {
public:
    Desk()
    {
        static const bool entered = ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                                    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                                    ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
        REQUIRE_MESSAGE(entered, "this test needs root: it makes namespaces of its own");
        fs::create_directories(directory);
        ::setenv("TMPDIR", directory.c_str(), 1);
    }
    ~Desk()
    {
        ::unsetenv("TMPDIR");
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    // "" when nothing is there but libxdp's directory for locks.
    std::string left_behind() const
    {
        std::string found;
        for (const fs::path& place : {directory, fs::path("/run")})
            for (const auto& entry : fs::recursive_directory_iterator(place))
                if (entry.path() != "/run/xdp") found += entry.path().string() + " ";
        for (const auto& link : support::must_json("ip -j link"))
            if (link["ifname"] != "lo") found += link["ifname"].get<std::string>() + " ";
        for (const auto& program : support::must_json("bpftool prog show --json"))
            if (program.value("name", "").starts_with("ways_")) found += program["name"].get<std::string>() + " ";
        return found;
    }

private:
    const fs::path directory = fs::path("/dev/shm") / ("netwright-paths-" + std::to_string(::getpid()));
};

// True of every run, however busy the machine.
void check_counts(const nlohmann::json& row)
{
    CAPTURE(row.dump());
    REQUIRE(row["runs"].size() == 1);
    const auto& run = row["runs"][0];
    const std::uint64_t sent = run["sent"], came = run["came"], handled = run["handled"];
    CHECK(came > 0);
    CHECK(came <= sent);
    CHECK(handled > 0);
    CHECK(handled <= came);
    CHECK(run["cpu_seconds"] > 0.0);
}

bool is_whole(const nlohmann::json& row) { return row["runs"][0]["handled"] == row["runs"][0]["came"]; }

// A program that is kept from its CPU loses packets, and that is no mistake in counting them: it is tried again.
void check_whole(nlohmann::json row)
{
    const std::string again = " --ways " + row["way"].get<std::string>() + " --" + row["task"].get<std::string>();
    for (int tries = 0; tries < 4 && !is_whole(row); ++tries)
        row = measured(again)["ways"][0];
    CHECK_MESSAGE(is_whole(row), row.dump());
}

} // namespace

TEST_CASE("every way that exists here handles the packets that come to it, and nothing stays")
{
    const Desk desk;
    const auto json = measured("");
    CHECK(json["schema"] == 1);
    CHECK(json["wanted"] == 5000.0);
    std::set<std::string> seen;
    for (const auto& row : json["ways"]) {
        const std::string name = row["way"].get<std::string>() + " " + row["task"].get<std::string>();
        seen.insert(name);
        if (!row.contains("absent")) {
            check_counts(row);
            check_whole(row);
            continue;
        }
        MESSAGE(name << ": " << row["absent"].get<std::string>());
        CHECK_FALSE(row["absent"].get<std::string>().empty());
        const bool may_be = row["way"] == "af-xdp-zero-copy" || name.starts_with("dpdk-");
        CHECK_MESSAGE(may_be, name);
    }
    CHECK(seen.size() == 12);
    CHECK(json["recommended"].size() == 2);
    CHECK(json["recommended"][0]["way"].is_null()); // one run is not enough data
    (void)soon([&] { return desk.left_behind().empty(); });
    CHECK(desk.left_behind() == "");
}

TEST_CASE("a packet socket sends where live frames are not wanted")
{
    const auto json = measured(" --generator socket --ways stack,xdp --drop");
    CHECK(json["setting"]["generator"] == "socket");
    REQUIRE(json["ways"].size() == 2);
    for (const auto& row : json["ways"]) {
        check_counts(row);
        check_whole(row);
    }
}

TEST_CASE("paths names what it wants, what it found absent and what each way takes")
{
    const auto output = paths(std::string(gentle) + " --ways xdp,af-xdp-zero-copy --forward");
    REQUIRE_MESSAGE(output.status == 0, output.out);
    for (const char* words : {"Measured on veth pairs in namespaces of its own", "Forwarding", "EOPNOTSUPP",
                              "What each takes away", "never seen by nftables"})
        CHECK_MESSAGE(output.out.find(words) != std::string::npos, output.out);
    CHECK(output.out.find("Dropping") == std::string::npos);
}

TEST_CASE("what makes no sense is refused in one line")
{
    for (const char* flags :
         {"--rate 0", "--rate 2G", "--duration 1ms", "--duration 5", "--ways tap", "--runs 0", "--generator x"}) {
        const auto output = paths(std::string(" paths ") + flags);
        CAPTURE(flags);
        CAPTURE(output.out);
        CHECK(output.status == 2);
        CHECK(lines_of(output.out, 1));
    }
}

TEST_CASE("whoever may not make namespaces is refused in one line")
{
    const auto output = paths(" paths", "setpriv --reuid 65534 --clear-groups --bounding-set=-all ");
    CAPTURE(output.out);
    CHECK(output.status == 1);
    CHECK(lines_of(output.out, 1));
    CHECK(output.out.find("run as root") != std::string::npos);
}
