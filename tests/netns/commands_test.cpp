// SPDX-License-Identifier: GPL-2.0-or-later
// The program itself, as people use it, in a network namespace of its own: from capture to rollback, and what it says
// when something is wrong.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <pty.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/program.h"

namespace fs = std::filesystem;

namespace {

// A named namespace and a directory, both gone with the object.
class Desk {
public:
    Desk()
    {
        support::must("ip netns add " + netns);
        support::must("ip -n " + netns + " link set lo up");
        support::must("ip -n " + netns + " link add nwa type veth peer name nwb");
        fs::create_directories(directory);
    }
    ~Desk()
    {
        (void)run("recover"); // a test that failed half-way leaves nothing behind
        (void)support::run({"ip", "netns", "del", netns});
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    // netwright with `arguments` as a shell would split them, in the namespace, with a journal of its own.
    support::Output run(const std::string& arguments) const
    {
        return shell(std::string(NETWRIGHT_BINARY) + " --netns " + netns + " --state-dir " +
                     (directory / "state").string() + " " + arguments);
    }
    support::Output shell(const std::string& line) const
    {
        return support::run({"sh", "-c", "cd " + directory.string() + " && " + line});
    }
    std::string sysctls() const
    {
        return shell("ip netns exec " + netns +
                     " sysctl -a --pattern '^net[.]' 2>/dev/null | grep -v nf_conntrack_count")
            .out;
    }
    std::string sysctl(const std::string& key) const
    {
        std::string text = support::must("ip netns exec " + netns + " sysctl -n " + key);
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        for (char& c : text)
            if (c == '\t') c = ' ';
        return text;
    }

    const std::string netns = "nw-test-" + std::to_string(::getpid());
    const fs::path directory = fs::temp_directory_path() / netns;
};

bool one_line(const std::string& text) { return text.starts_with("netwright: ") && text.find('\n') == text.size() - 1; }

constexpr const char* web = " --workload web-server --bandwidth 10Gbit --rtt 50ms --seconds 0";

// Counters of the whole host move between two looks: how much is left out, what was found and where stays.
nlohmann::json without_counts(nlohmann::json findings)
{
    for (auto& finding : findings)
        for (auto& evidence : finding.at("evidence"))
            evidence.erase("value");
    return findings;
}

} // namespace

TEST_CASE("a plan for 10 Gbit/s over 50 ms is applied, confirmed, found again and rolled back without a trace")
{
    const Desk desk;
    const std::string before = desk.sysctls();

    const auto planned = desk.run(std::string("plan") + web);
    REQUIRE(planned.status == 0);
    CHECK(planned.out.find("62.5 MB") != std::string::npos);
    CHECK(planned.out.find("4096 131072 125829120") != std::string::npos);

    const auto applied = desk.run("apply plan.yaml --yes --confirm-within 60s");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(desk.sysctl("net.ipv4.tcp_rmem") == "4096 131072 125829120");
    CHECK(desk.run("status").out.find("unless confirmed") != std::string::npos);

    const auto second = desk.run("apply plan.yaml --yes");
    CHECK(second.status == 1);
    CHECK_MESSAGE(one_line(second.out), second.out);

    REQUIRE(desk.run("confirm").status == 0);
    CHECK(desk.run("status").out.find("Confirmed and in force: 1") != std::string::npos);
    CHECK(desk.run("drift").status == 0);

    SUBCASE("planning again finds nothing to change")
    {
        const auto again = desk.run(std::string("plan -o again.yaml") + web);
        CHECK(again.out.find("Nothing to change") != std::string::npos);
        CHECK(desk.run("apply again.yaml").out == "Nothing to change.\n");
    }
    SUBCASE("a value somebody else has changed is said and left until asked")
    {
        support::must("ip netns exec " + desk.netns + " sysctl -qw net.ipv4.tcp_keepalive_time=999");
        CHECK(desk.run("drift").status == 1);
        const auto refused = desk.run("rollback </dev/null");
        CHECK(refused.status == 1);
        CHECK_MESSAGE(one_line(refused.out), refused.out);
        CHECK(desk.sysctl("net.ipv4.tcp_keepalive_time") == "999");
        CHECK(desk.run("rollback --force").status == 0);
        CHECK(desk.sysctls() == before);
    }
    (void)desk.run("rollback");
    CHECK(desk.sysctls() == before);
    CHECK(desk.run("history").out.find("undone") != std::string::npos);
    CHECK_FALSE(fs::exists(desk.directory / "state" / "undo-1.sh"));
}

TEST_CASE("without a confirm everything comes back by itself")
{
    const Desk desk;
    const std::string before = desk.sysctl("net.core.somaxconn");
    REQUIRE(desk.run("set net.core.somaxconn 5000 --yes --confirm-within 5s").status == 0);
    CHECK(desk.sysctl("net.core.somaxconn") == "5000");
    for (int waited = 0; waited < 200 && desk.sysctl("net.core.somaxconn") == "5000"; ++waited)
        ::usleep(100'000);
    CHECK(desk.sysctl("net.core.somaxconn") == before);
}

TEST_CASE("links and queues are tunables like any other")
{
    const Desk desk;
    CHECK(desk.run("set link/nwa/mtu 1400 --yes --keep").status == 0);
    CHECK(desk.run("set queue/nwa/rx-0/rps_cpus list:0 --yes --keep").status == 0);
    CHECK(support::must("ip -n " + desk.netns + " link show nwa").find("mtu 1400") != std::string::npos);
    CHECK(desk.run("get link/nwa/mtu").out == "link/nwa/mtu = 1400\n");
    CHECK(desk.run("get queue/nwa/rx-0/rps_cpus").out == "queue/nwa/rx-0/rps_cpus = list:0\n");
    CHECK(desk.run("rollback").status == 0);
    CHECK(desk.run("rollback").status == 0);
    CHECK(desk.run("get link/nwa/mtu").out == "link/nwa/mtu = 1500\n");
    CHECK(desk.run("get queue/nwa/rx-0/rps_cpus").out == "queue/nwa/rx-0/rps_cpus = list:\n");
}

TEST_CASE("get says what sysctl says, for every key of the namespace")
{
    const Desk desk;
    const auto listed = desk.run("list 'sysctl/net.*'");
    REQUIRE(listed.status == 0);
    const std::string theirs = desk.sysctls();
    std::size_t compared = 0;
    for (std::size_t at = 0; at < listed.out.size();) {
        const std::size_t end = listed.out.find('\n', at);
        std::string line = listed.out.substr(at, end - at);
        at = end + 1;
        if (!line.starts_with("sysctl/") || line.find("(not readable") != std::string::npos) continue;
        line = line.substr(7); // "net.core.somaxconn = 4096"
        // sysctl -a leaves out what procps calls deprecated; the kernel shows both next to their _ms forms.
        if (line.find(".base_reachable_time =") != std::string::npos ||
            line.find(".retrans_time =") != std::string::npos)
            continue;
        if (line.ends_with("= (nothing)")) line.resize(line.size() - 9);
        std::string tabbed = line;
        const std::size_t equals = tabbed.find(" = ");
        for (std::size_t i = equals + 3; i < tabbed.size(); ++i)
            if (tabbed[i] == ' ') tabbed[i] = '\t';
        const bool same =
            theirs.find(line + "\n") != std::string::npos || theirs.find(tabbed + "\n") != std::string::npos;
        CHECK_MESSAGE(same, line);
        ++compared;
    }
    CHECK(compared > 400);
}

TEST_CASE("what was typed wrong ends with 2 and one line that names it")
{
    const Desk desk;
    for (const char* arguments : {"frobnicate",
                                  "get",
                                  "get net.ipv4.../../../x",
                                  "get sysctl/net.ipv4.no/../such",
                                  "set net.core.somaxconn",
                                  "set net.core.somaxconn many --yes",
                                  "set net.ipv4.tcp_fin_timeout -5 --yes",
                                  "set net.ipv4.tcp_rmem '4096 131072 5' --yes",
                                  "set link/nwa/mtu 12 --yes",
                                  "set net.core.somaxconn 5000 --yes --confirm-within soon",
                                  "audit --workload webserver",
                                  "audit --bandwidth fast",
                                  "audit --rtt 50",
                                  "audit --fail-on dire",
                                  "rules no-such-rule",
                                  "audit --seconds -1",
                                  "apply",
                                  "audit --seconds nan",
                                  "audit --loss nan",
                                  "audit --connections -1",
                                  "audit --connection-rate 99999999999999999999",
                                  "audit --bandwidth 10",
                                  "audit --bandwidth 1bit",
                                  "audit --rtt 2h",
                                  "audit --rtt 0.1ns",
                                  "set net.core.somaxconn 5000 --yes --check-timeout 1ms",
                                  "set net.core.somaxconn 5000 --yes --etc-dir ''",
                                  "apply '' --yes --check ''",
                                  "audit --from ''"}) {
        CAPTURE(arguments);
        const auto output = desk.run(arguments);
        CHECK_MESSAGE(output.status == 2, output.out);
        CHECK_MESSAGE(one_line(output.out), output.out);
    }
    CHECK(desk.sysctl("net.core.somaxconn") == "4096");
}

TEST_CASE("what cannot be done ends with 1 and one line that says why")
{
    const Desk desk;
    std::ofstream(desk.directory / "cut.json") << "{\"schema\": 1, \"to";
    std::ofstream(desk.directory / "cut.yaml") << "schema: 1\nmade_for:\n  machine";
    std::ofstream(desk.directory / "deep.yaml") << std::string(100'000, '[');
    std::ofstream(desk.directory / "binary.yaml") << std::string("\0\x01\x02", 3);
    for (const char* arguments : {"get sysctl/net.ipv4.no_such_key", "get link/nosuch0/mtu", "audit --from cut.json",
                                  "audit --from /nonexistent", "audit --root /nonexistent", "apply cut.yaml --yes",
                                  "apply deep.yaml --yes", "apply binary.yaml --yes", "apply /nonexistent --yes",
                                  "confirm", "rollback", "rollback 99", "audit --intent /nonexistent"}) {
        CAPTURE(arguments);
        const auto output = desk.run(arguments);
        CHECK_MESSAGE(output.status == 1, output.out);
        CHECK_MESSAGE(one_line(output.out), output.out);
    }
    const auto full = desk.run("capture --seconds 0 -o /dev/full");
    CHECK(full.status == 1);
}

TEST_CASE("a flag that makes no sense is named with what it was given and a way out")
{
    const Desk desk;
    CHECK(desk.run("audit --bandwidth 10").out ==
          "netwright: --bandwidth: bandwidth '10': the unit is missing (for example: 10Gbit, 500Mbit)\n");
    CHECK(desk.run("audit --connections -1").out.starts_with("netwright: --connections: '-1' is not a whole number"));
    const auto nowhere = desk.shell(std::string(NETWRIGHT_BINARY) + " --netns '' list");
    CHECK(nowhere.status == 2);
    CHECK(nowhere.out.starts_with("netwright: --netns was given an empty value"));
}

TEST_CASE("a plan edited into nonsense is refused with its file and line, and nothing is applied")
{
    const Desk desk;
    REQUIRE(desk.run(std::string("plan") + web).status == 0);
    const std::string before = desk.sysctls();
    std::ifstream in(desk.directory / "plan.yaml");
    const std::string plan(std::istreambuf_iterator<char>(in), {});
    struct Row {
        std::string_view from, to, says;
    };
    for (const Row& row :
         {Row{"to: 15\n", "to: -5\n", "below the least sensible value"},
          Row{"to: 15\n", "to: \"15\"\n", "a number is needed, without quotes"},
          Row{"to: 15\n", "to: \"15\\n16\"\n", "a number is needed"},
          Row{"tcp_keepalive_intvl\n", "tcp_keepalive_intvll\n", "no such sysctl"},
          Row{"tcp_keepalive_intvl\n", "../../x\n", "is no tunable"}, Row{"    to: 15\n", "", "'to' is missing"}}) {
        CAPTURE(row.to);
        std::string edited = plan;
        edited.replace(edited.find(row.from), row.from.size(), row.to);
        std::ofstream(desk.directory / "edited.yaml") << edited;
        const auto output = desk.run("apply edited.yaml --yes");
        CHECK(output.status == 1);
        CHECK_MESSAGE(one_line(output.out), output.out);
        CHECK_MESSAGE(output.out.starts_with("netwright: edited.yaml:54:"), output.out);
        CHECK_MESSAGE(output.out.find(row.says) != std::string::npos, output.out);
    }
    CHECK(desk.sysctls() == before);
}

TEST_CASE("a check that a closed pipe should end is ended")
{
    const Desk desk;
    // netwright itself ignores SIGPIPE; a check that inherited that would go on.
    const auto output = desk.run("set net.core.somaxconn 5000 --yes --keep --check 'kill -PIPE $$; exit 0'");
    CHECK(output.status == 1);
    CHECK_MESSAGE(output.out.find("was ended by signal 13; everything was put back") != std::string::npos, output.out);
}

TEST_CASE("an answer that was typed before the change was made does not keep it")
{
    const Desk desk;
    const std::string command = std::string(NETWRIGHT_BINARY) + " --netns " + desk.netns + " --state-dir " +
                                (desk.directory / "state").string() +
                                " set net.core.somaxconn 5000 --confirm-within 5s";
    int terminal = -1;
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    REQUIRE(child > 0);
    REQUIRE(::write(terminal, "y\nyes\nyes\n", 10) == 10); // impatience
    std::string shown;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(terminal, buffer, sizeof buffer)) > 0;)
        shown.append(buffer, static_cast<std::size_t>(got));
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(terminal);
    CHECK_MESSAGE(shown.find("It is applied") != std::string::npos, shown);
    CHECK_MESSAGE(shown.find("No answer: putting everything back.") != std::string::npos, shown);
    CHECK(WEXITSTATUS(status) == 1);
    CHECK(desk.sysctl("net.core.somaxconn") == "4096");
}

TEST_CASE("asking for what was never done makes no state directory")
{
    const Desk desk;
    for (const char* arguments : {"confirm", "rollback", "rollback 3", "recover", "status", "history", "drift"})
        (void)desk.run(arguments);
    CHECK_FALSE(fs::exists(desk.directory / "state"));
}

TEST_CASE("whoever confirms from another directory makes it last where apply was told to")
{
    const Desk desk;
    REQUIRE(desk.run("set net.core.somaxconn 5000 --yes --confirm-within 60s --etc-dir etc").status == 0);
    REQUIRE(desk.shell("cd / && " + std::string(NETWRIGHT_BINARY) + " --netns " + desk.netns + " --state-dir " +
                       (desk.directory / "state").string() + " confirm")
                .status == 0);
    CHECK(fs::exists(desk.directory / "etc/sysctl.d/99-zz-netwright.conf"));
    REQUIRE(desk.run("rollback").status == 0);
    CHECK_FALSE(fs::exists(desk.directory / "etc/sysctl.d/99-zz-netwright.conf"));
}

TEST_CASE("what was applied in a namespace never reaches /etc")
{
    const Desk desk;
    const auto in_etc = [&] { return desk.shell("ls -lR --full-time /etc/sysctl.d /etc/sysctl.conf 2>&1").out; };
    const std::string before = in_etc();
    const auto kept = desk.run("set net.core.somaxconn 5000 --yes --keep");
    REQUIRE(kept.status == 0);
    CHECK(kept.out.find("not made to last: files in /etc are for the host") != std::string::npos);
    // The same where the shell stands in the namespace and says nothing of it.
    const auto inside = desk.shell("ip netns exec " + desk.netns + " " + NETWRIGHT_BINARY + " --state-dir inside" +
                                   " set net.core.somaxconn 6000 --yes --keep");
    REQUIRE_MESSAGE(inside.status == 0, inside.out);
    CHECK(in_etc() == before);
    CHECK(
        desk.shell(std::string(NETWRIGHT_BINARY) + " --netns " + desk.netns + " --state-dir inside rollback").status ==
        0);
}

TEST_CASE("a capture counts connections by process when asked")
{
    const Desk desk;
    const auto owners = [&](const char* flags) {
        REQUIRE(desk.run(std::string("capture --seconds 0 -o host.json ") + flags).status == 0);
        std::ifstream in(desk.directory / "host.json");
        return nlohmann::json::parse(in).at("sockets");
    };
    CHECK(owners("").at("owners").contains("unseen"));
    const auto counted = owners("--owners");
    CHECK(counted.at("owners").is_array());
    CHECK_FALSE(counted.at("owners_through").get<std::string>().empty());
}

TEST_CASE("a full disk ends in one line, and in the old values")
{
    const Desk desk;
    const auto disk = (desk.directory / "disk").string();
    REQUIRE(desk.run(std::string("plan") + web).status == 0);
    const std::string before = desk.sysctls();
    for (const int kib : {16, 40, 64, 80, 96, 112, 128, 160}) {
        CAPTURE(kib);
        // A mount of the shell's own: it is gone with the shell, whatever happens.
        const auto output =
            desk.shell("unshare -m sh -c 'mkdir -p " + disk + " && mount -t tmpfs -o size=" + std::to_string(kib) +
                       "k none " + disk + " && " + NETWRIGHT_BINARY + " --netns " + desk.netns + " --state-dir " +
                       disk + "/state apply plan.yaml --yes --check false'");
        CHECK(output.status == 1);
        CHECK_MESSAGE(one_line(output.out), output.out);
    }
    for (int waited = 0; waited < 50 && desk.sysctls() != before; ++waited)
        ::usleep(100'000);
    CHECK(desk.sysctls() == before);
}

TEST_CASE("a plan made for another namespace is refused")
{
    const Desk desk;
    REQUIRE(desk.shell(std::string(NETWRIGHT_BINARY) + " plan -o other.yaml" + web).status == 0);
    const auto output = desk.run("apply other.yaml --yes");
    CHECK(output.status == 1);
    CHECK_MESSAGE(one_line(output.out), output.out);
    CHECK(output.out.find("namespace") != std::string::npos);
}

TEST_CASE("a capture is judged like the host it came from")
{
    const Desk desk;
    REQUIRE(desk.run("capture --seconds 0 -o host.json").status == 0);
    const auto live = nlohmann::json::parse(desk.run("audit --seconds 0 --json").out);
    const auto stored = nlohmann::json::parse(desk.run("audit --from host.json --json").out);
    CHECK(without_counts(live.at("findings")) == without_counts(stored.at("findings")));
    CHECK(desk.run("audit --seconds 0 --fail-on critical").status == 0);
}

TEST_CASE("without root the audit works and says what it could not see")
{
    const Desk desk;
    const auto output = desk.shell("setpriv --reuid=65534 --regid=65534 --clear-groups " +
                                   std::string(NETWRIGHT_BINARY) + " audit --seconds 0");
    CHECK(output.status == 0);
    CHECK(output.out.find("needs root") != std::string::npos);
    const auto refused =
        desk.shell("setpriv --reuid=65534 --regid=65534 --clear-groups " + std::string(NETWRIGHT_BINARY) +
                   " --state-dir /nonexistent/state set net.core.somaxconn 5000 --yes");
    CHECK(refused.status == 1);
    CHECK_MESSAGE(one_line(refused.out), refused.out);
}

TEST_CASE("the output has no colour where nobody sees it, and fits 80 columns")
{
    const Desk desk;
    const auto output = desk.run("audit --seconds 0");
    CHECK(output.out.find('\x1b') == std::string::npos);
    const auto coloured = desk.run("--color always audit --seconds 0");
    CHECK(coloured.out.find('\x1b') != std::string::npos);
}

TEST_CASE("the boot unit is installed whole and removed without a trace")
{
    const Desk desk;
    REQUIRE(desk.run("recover --install-boot-unit --systemd-dir units").status == 0);
    std::ifstream unit(desk.directory / "units" / "netwright-recover.service");
    const std::string text(std::istreambuf_iterator<char>(unit), {});
    CHECK(text.find(std::string("ExecStart=") + NETWRIGHT_BINARY) != std::string::npos);
    CHECK(fs::is_symlink(desk.directory / "units/sysinit.target.wants/netwright-recover.service"));
    REQUIRE(desk.run("recover --remove-boot-unit --systemd-dir units").status == 0);
    CHECK_FALSE(fs::exists(desk.directory / "units/netwright-recover.service"));
    CHECK_FALSE(fs::is_symlink(desk.directory / "units/sysinit.target.wants/netwright-recover.service"));
}
