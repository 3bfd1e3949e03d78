// SPDX-License-Identifier: GPL-2.0-or-later
// Searches and experiments from end to end: in a lab, and live in a namespace whose values must come back whatever
// happens.
#include "model/plan_yaml.h"
#include "model/search_json.h"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "support/netns.h"
#include "support/program.h"

using namespace netwright;
namespace fs = std::filesystem;

namespace {

constexpr const char* rmem_file = "/proc/sys/net/ipv4/tcp_rmem";

std::string text_of(const fs::path& path)
{
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool soon(const std::function<bool()>& holds, std::chrono::seconds patience)
{
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

// A network namespace whose TCP may receive 16 KiB at a time, and a directory to work in.
struct SlowHost {
    support::Netns netns;
    fs::path directory = fs::temp_directory_path() / ("nwt-autotune-" + std::to_string(::getpid()));
    std::string before;

    SlowHost()
    {
        fs::create_directories(directory);
        REQUIRE(support::run({"ip", "link", "set", "lo", "up"}).status == 0);
        std::ofstream(rmem_file) << "4096 16384 16384";
        before = text_of(rmem_file);
        REQUIRE(before == "4096\t16384\t16384\n");
    }
    ~SlowHost()
    {
        std::error_code gone;
        fs::remove_all(directory, gone);
    }
    std::string at(const char* name) const { return (directory / name).string(); }
    std::vector<std::string> command(std::vector<std::string> more) const
    {
        std::vector<std::string> all{NETWRIGHT_BINARY, "--state-dir", at("state")};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    std::vector<std::string> autotune(std::vector<std::string> more) const
    {
        std::vector<std::string> all{"autotune",
                                     "--goal",
                                     "max throughput",
                                     "--bench",
                                     "tcp-stream",
                                     "--over",
                                     "sysctl/net.ipv4.tcp_rmem",
                                     "--state",
                                     at("search.json"),
                                     "-o",
                                     at("plan.yaml"),
                                     "--html",
                                     at("page.html"),
                                     "-t",
                                     "120ms",
                                     "--warm-up",
                                     "80ms"};
        all.insert(all.end(), more.begin(), more.end());
        return command(all);
    }
    SearchRecord record() const
    {
        auto read = search_from_json(text_of(directory / "search.json"));
        REQUIRE_MESSAGE(read, (read ? std::string() : read.error().what));
        return *read;
    }
};

} // namespace

TEST_CASE("in a lab a search finds that a window of 16 KiB is too small, and proves it; its plan can be applied")
{
    const SlowHost host;
    const std::vector<std::string> path{"--rtt", "10ms", "--rate", "50Mbit"};
    auto words = host.autotune({"--budget", "14s"});
    words.insert(words.end(), path.begin(), path.end());
    const auto searched = support::run(words);
    CAPTURE(searched.out);
    REQUIRE(searched.status == 0);
    CHECK(searched.out.find("proven: net.ipv4.tcp_rmem 4096 16384 ") != std::string::npos);
    CHECK(text_of(rmem_file) == host.before);
    CHECK(text_of(host.directory / "page.html").find("<circle") != std::string::npos);

    const auto plan = plan_from_yaml(text_of(host.directory / "plan.yaml"), "plan.yaml");
    REQUIRE_MESSAGE(plan, (plan ? std::string() : plan.error().what));
    REQUIRE(plan->changes.size() == 1);
    CHECK(std::get<std::vector<std::int64_t>>(*plan->changes[0].to).back() >= 65536);
    REQUIRE(plan->inputs.size() >= 2);
    CHECK(plan->inputs[0].value.find(" as good in ") != std::string::npos);
    const auto applied = support::run(host.command({"apply", host.at("plan.yaml"), "--dry-run"}));
    CAPTURE(applied.out);
    CHECK(applied.status == 0);

    // Taken up again with the budget used up it only tells what it knows; something else asked for is refused.
    words.back() = "60Mbit";
    const auto other = support::run(words);
    CHECK(other.status == 1);
    CHECK(other.out.find("it holds a search with another path") != std::string::npos);
    words.back() = "50Mbit";
    words.push_back("--json");
    const auto again = support::run(words);
    CAPTURE(again.out);
    CHECK(again.status == 0);
    CHECK(again.out.find("\"proven\"") != std::string::npos);
    CHECK(host.record().trail.size() >= 10);
}

TEST_CASE("live, a killed search leaves the host as it was, and goes on where it was")
{
    const SlowHost host;
    auto words = host.autotune({"--budget", "60s"});
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        const int quiet = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(quiet, 1);
        ::dup2(quiet, 2);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    // Killed in the middle of a run with changed values, after at least one pair.
    const bool seen =
        soon([&] { return fs::exists(host.directory / "search.json") && text_of(rmem_file) != host.before; },
             std::chrono::seconds(60));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(seen);
    CHECK(WIFSIGNALED(status));
    CHECK(soon([&] { return text_of(rmem_file) == host.before; }, std::chrono::seconds(30)));

    const std::size_t pairs = host.record().trail.size();
    CHECK(pairs >= 1);
    auto more = host.autotune({"--budget", "3s"});
    const auto again = support::run(more);
    CAPTURE(again.out);
    CHECK(again.status == 0);
    CHECK(host.record().trail.size() > pairs);
    CHECK(text_of(rmem_file) == host.before);
    CHECK(support::run(host.command({"status"})).out.find("No transaction is open") != std::string::npos);
}

TEST_CASE("an interrupted search puts everything back, and says how to go on")
{
    const SlowHost host;
    auto words = host.autotune({"--budget", "60s"});
    words.insert(words.begin(), {"timeout", "--signal=INT", "3"});
    const auto ended = support::run(words);
    CAPTURE(ended.out);
    CHECK(ended.status != 0);
    CHECK(soon([&] { return text_of(rmem_file) == host.before; }, std::chrono::seconds(30)));
    CHECK_FALSE(host.record().trail.empty());
}

TEST_CASE("what cannot be searched, or makes no sense, is told before anything is measured")
{
    const SlowHost host;
    struct Case {
        std::vector<std::string> more;
        const char* says;
    };
    const Case cases[] = {
        {{"--over", "sysctl/net.ipv4.ip_forward"}, "cannot be searched"},
        {{"--over", "sysctl/net.ipv4.no_such_key"}, "no_such_key"},
        {{"--over", "sysctl/net.ipv4.tcp_rmem"}, "twice"},
        {{"--guard", "speed < 3"}, "names no metric"},
        {{"--budget", "30"}, "30"},
        {{"--level", "0.9"}, "--level"},
        {{"--loss", "200%"}, "200"},
    };
    for (const Case& one : cases) {
        const auto refused = support::run(host.autotune(one.more));
        CAPTURE(refused.out);
        CHECK(refused.status != 0);
        CHECK(refused.out.starts_with("netwright: "));
        CHECK(refused.out.find(one.says) != std::string::npos);
        CHECK_FALSE(fs::exists(host.directory / "search.json"));
    }
    // A stream has no latency: a guard on it must not pass for kept.
    const auto untold = support::run(host.autotune({"--guard", "p99 < 2ms", "--budget", "5s"}));
    CAPTURE(untold.out);
    CHECK(untold.status != 0);
    CHECK(untold.out.find("tcp-stream does not tell latency-p99") != std::string::npos);
    CHECK(text_of(rmem_file) == host.before);
}

TEST_CASE("a live experiment is a transaction a run: it tells whether the plan helps and puts the host back")
{
    const SlowHost host;
    const auto made =
        support::run(host.command({"plan", "--workload", "bulk", "--seconds", "0", "-o", host.at("made.yaml")}));
    CAPTURE(made.out);
    REQUIRE(made.status == 0);
    auto plan = plan_from_yaml(text_of(host.directory / "made.yaml"), "made.yaml");
    REQUIRE(plan);
    const auto change = [](const char* key, const char* from, const char* to) {
        Change one;
        one.tunable = SysctlKey{key};
        one.from = *parse_value(one.tunable, from);
        one.to = *parse_value(one.tunable, to);
        return one;
    };
    plan->changes = {change("net.ipv4.tcp_rmem", "4096 16384 16384", "4096 131072 6291456"),
                     change("net.ipv4.tcp_keepalive_time", "7200", "7100")};
    std::ofstream(host.at("try.yaml")) << to_yaml(*plan);
    const std::vector<std::string> brief{"--bench", "tcp-stream", "-t", "80ms", "--warm-up", "40ms", "--pairs", "12"};
    auto words = host.command({"experiment", host.at("try.yaml")});
    words.insert(words.end(), brief.begin(), brief.end());
    const auto tried = support::run(words);
    CAPTURE(tried.out);
    CHECK(tried.status == 0);
    CHECK(tried.out.find("throughput *") != std::string::npos);
    CHECK(text_of(rmem_file) == host.before);
    const auto history = support::run(host.command({"history"}));
    CHECK(history.out.find("undone") != std::string::npos);

    // One by one in a lab: the buffer earns its place, the keepalive does not.
    words = host.command(
        {"experiment", host.at("try.yaml"), "--each", "-o", host.at("kept.yaml"), "--rtt", "10ms", "--rate", "50Mbit"});
    words.insert(words.end(), brief.begin(), brief.end());
    const auto each = support::run(words);
    CAPTURE(each.out);
    CHECK(each.status == 0);
    CHECK(each.out.find("keeps  sysctl/net.ipv4.tcp_rmem") != std::string::npos);
    CHECK(each.out.find("leaves sysctl/net.ipv4.tcp_keepalive_time") != std::string::npos);
    const auto kept = plan_from_yaml(text_of(host.directory / "kept.yaml"), "kept.yaml");
    REQUIRE(kept);
    REQUIRE(kept->changes.size() == 1);
    CHECK((kept->changes[0] == plan->changes[0]));

    // A guardrail that the plan breaks aborts at the first pair, and puts back.
    words = host.command({"experiment", host.at("try.yaml"), "--guard", "throughput > 900Gbit"});
    words.insert(words.end(), brief.begin(), brief.end());
    const auto aborted = support::run(words);
    CAPTURE(aborted.out);
    CHECK(aborted.status == 1);
    CHECK(aborted.out.find("aborted and put back") != std::string::npos);
    CHECK(text_of(rmem_file) == host.before);
}

TEST_CASE("a baseline is kept, listed, shown and compared; a changed setting is named")
{
    const SlowHost host;
    const auto say = [&](std::vector<std::string> words) { return support::run(host.command(std::move(words))); };
    CHECK(say({"baseline", "list"}).out.find("no baseline is kept") != std::string::npos);
    CHECK(say({"baseline", "compare", "nothing"}).status == 1);
    CHECK(say({"baseline", "save", "few", "tcp-rr", "--repeat", "2"}).status == 2);
    const auto saved = say({"baseline", "save", "before", "tcp-rr", "--repeat", "4", "-t", "80ms", "--warm-up", "0"});
    CAPTURE(saved.out);
    REQUIRE(saved.status == 0);
    CHECK(say({"baseline", "list"}).out.find("before") != std::string::npos);
    CHECK(say({"baseline", "show", "before"}).out.find("latency") != std::string::npos);
    std::ofstream(rmem_file) << "4096 131072 6291456";
    const auto compared = say({"baseline", "compare", "before"});
    CAPTURE(compared.out);
    CHECK(compared.status == 0);
    CHECK(compared.out.find("settings") != std::string::npos);
    CHECK(compared.out.find("net.ipv4.tcp_rmem") != std::string::npos);
    CHECK(compared.out.find("latency-p50") != std::string::npos);
    CHECK(compared.out.find("stale") == std::string::npos);
    const auto json = say({"baseline", "compare", "before", "--json"});
    CHECK(nlohmann::json::parse(json.out, nullptr, false).is_array());
}
