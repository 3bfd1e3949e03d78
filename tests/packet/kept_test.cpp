// SPDX-License-Identifier: GPL-2.0-or-later
// Policies and configurations that are kept: what a kill, a reboot, a watchdog and a rollback make of them.
#include "apply/restore.h"
#include "apply/transaction.h"
#include "model/tunable.h"
#include "tunable/tunable_kind.h"

#include <csignal>

#include "crash/ptrace_killer.h"
#include "filter_desk.h"

using namespace netwright;
using namespace netwright::test;

namespace {

constexpr const char* counting = "{interfaces: [nwa], rules: [{name: ping, protocol: icmp, verdict: count}]}";

std::string balancer(const std::string& interface, int port)
{
    return "{interfaces: [" + interface +
           "], source: 10.200.0.0/16, pools: {web: {backends: [{address: 10.9.0.2}]}}, "
           "vips: [{address: 192.0.2.1, port: " +
           std::to_string(port) + ", protocol: tcp, pool: web}]}";
}

// Of `netwright filter show --json` or `lb show --json`; null: nothing runs.
nlohmann::json shown(const Desk& desk, const std::string& program)
{
    const auto output = desk.run(program + " show --json");
    REQUIRE_MESSAGE(output.status == 0, output.out);
    return nlohmann::json::parse(output.out);
}

std::string running(const Desk& desk, const std::string& program)
{
    const auto json = shown(desk, program);
    const char* const name = program == "lb" ? "config" : "policy";
    return json.is_null() ? "" : json[name].get<std::string>();
}

// Kills `command` at each of its steps in turn; `check` sees what recovery makes of it.
template <class Prepare, class Check>
int killed_everywhere(const Desk& desk, const std::string& command, Prepare prepare, Check check)
{
    int n = 1;
    for (End end = End::Killed; end == End::Killed; ++n) {
        CAPTURE(n);
        prepare();
        end = kill_at(n, [&] { become(desk, command); }, changes_packets);
        const auto recovered = desk.run("recover");
        REQUIRE_MESSAGE(recovered.status == 0, recovered.out);
        CHECK(desk.run("status").out.starts_with("No transaction is open."));
        check();
    }
    return n - 2;
}

// As it is after a reboot: nothing is pinned, and what was attached is gone.
void forget_all() { support::must("rm -rf /sys/fs/bpf/netwright"); }

// `tunable` made to last with the file that CLI kept for it.
void make_to_last(const Desk& desk, const char* address, const std::string& kept)
{
    auto kernel = kernel::Kernel::live_in_namespace();
    REQUIRE(kernel);
    auto journal = apply::Journal::open(desk.directory / "boot", apply::Access::Write);
    REQUIRE(journal);
    Change change;
    change.tunable = *parse_tunable(address);
    change.from = tunable::read(*kernel, change.tunable).value_or(std::nullopt);
    change.to = *parse_value(change.tunable, kept);
    change.persistence = natural_persistence(change.tunable);
    Plan plan;
    plan.changes = {change};
    auto transaction = apply::Transaction::begin(*kernel, *journal, plan,
                                                 {.etc_dir = desk.directory / "etc", .guard = apply::Guard::None});
    REQUIRE_MESSAGE(transaction, transaction.error().what);
    REQUIRE(transaction->apply());
    REQUIRE(transaction->keep());
}

} // namespace

TEST_CASE("a filter that is killed while it takes another's place is whole afterwards, the old one or the new")
{
    const Desk desk;
    desk.write("old.yaml", counting);
    desk.write("new.yaml",
               "{interfaces: [nwa, nwc], drop_odd: all, lists: {soon: {verdict: pass, prefixes: [10.9.0.2], "
               "expires: 1h}}}");
    int stayed = 0;
    const int killed = killed_everywhere(
        desk, "filter apply new.yaml", [&] { REQUIRE(desk.run("filter apply old.yaml").status == 0); },
        [&] {
            const bool old = running(desk, "filter").ends_with("old.yaml");
            stayed += old;
            CHECK((old || running(desk, "filter").ends_with("new.yaml")));
            CHECK(desk.attached("nwa"));
            CHECK(desk.attached("nwc") == !old);
            CHECK((desk.run("filter blocks").out.find("list:soon") == std::string::npos) == old);
            CHECK(desk.pings());
        });
    MESSAGE("killed at " << killed << " steps, of which the old filter stayed after " << stayed);
    CHECK(killed >= 5);
    CHECK(stayed >= 4);
    CHECK(running(desk, "filter").ends_with("new.yaml")); // the last was not killed
    REQUIRE(desk.run("filter off").status == 0);
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
}

TEST_CASE("a balancer that is killed while it is reconfigured is whole afterwards")
{
    const Desk desk;
    desk.write("old.yaml", balancer("nwa", 80));
    desk.write("new.yaml", balancer("nwa", 81));
    const int killed = killed_everywhere(
        desk, "lb apply new.yaml", [&] { REQUIRE(desk.run("lb apply old.yaml").status == 0); },
        [&] {
            const bool old = running(desk, "lb").ends_with("old.yaml");
            CHECK((old || running(desk, "lb").ends_with("new.yaml")));
            const auto stats = desk.run("lb stats --json").out;
            CHECK((stats.find("192.0.2.1:80/tcp") != std::string::npos) == old);
            CHECK(desk.attached("nwa"));
        });
    CHECK(killed >= 3);
    REQUIRE(desk.run("lb off").status == 0);
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
}

TEST_CASE("after a reboot the filter and the balancer that were confirmed run again, without any file of their owner's")
{
    const Desk desk;
    desk.write("list.txt", "10.9.0.2\n");
    desk.write("p.yaml", "{interfaces: [nwa], lists: {bad: {verdict: drop, file: list.txt}}}");
    desk.write("lb.yaml", balancer("nwc", 80));
    REQUIRE(desk.run("filter apply p.yaml").status == 0);
    REQUIRE(desk.run("lb apply lb.yaml").status == 0);
    const std::string policy = running(desk, "filter"), config = running(desk, "lb");
    REQUIRE(desk.run("filter off").status == 0);
    REQUIRE(desk.run("lb off").status == 0);
    make_to_last(desk, "xdp/filter", policy);
    make_to_last(desk, "xdp/lb", config);
    const fs::path unit = desk.directory / "etc/systemd/system" / apply::restore_unit_name;
    CHECK(fs::exists(unit));
    for (const char* file : {"list.txt", "p.yaml", "lb.yaml"})
        fs::remove(desk.directory / file);
    forget_all();
    for (int i = 0; i < 100 && (desk.attached("nwa") || desk.attached("nwc")); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20)); // the kernel lets go of links at leisure
    REQUIRE(desk.pings());
    const std::string restore =
        NETWRIGHT_BINARY + std::string(" --state-dir boot restore --etc-dir ") + (desk.directory / "etc").string();
    const auto restored = desk.shell(restore);
    CHECK_MESSAGE(restored.status == 0, restored.out);
    CHECK(restored.out.find("xdp/filter = " + policy + ": restored") != std::string::npos);
    CHECK(restored.out.find("xdp/lb = " + config + ": restored") != std::string::npos);
    CHECK_FALSE(desk.pings());
    CHECK(desk.attached("nwc"));
    CHECK(desk.shell(restore).out.find("xdp/filter = " + policy + ": already so") != std::string::npos);
}

TEST_CASE("a balancer's configuration that nobody confirms in time is taken back, also the first one")
{
    const Desk desk;
    desk.write("old.yaml", balancer("nwa", 80));
    desk.write("new.yaml", balancer("nwa", 81));
    REQUIRE(desk.run("lb apply old.yaml").status == 0);
    const auto applied = desk.run("lb apply new.yaml --confirm-within 5s");
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(applied.out.find("unless you run: netwright confirm") != std::string::npos);
    CHECK(running(desk, "lb").ends_with("new.yaml"));
    CHECK(desk.run("status").out.find("xdp/lb") != std::string::npos);
    for (int i = 0; i < 200 && running(desk, "lb").ends_with("new.yaml"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(running(desk, "lb").ends_with("old.yaml")); // the watchdog put it back
    CHECK(desk.run("lb stats --json").out.find("192.0.2.1:80/tcp") != std::string::npos);
    for (int i = 0; i < 50 && !desk.run("status").out.starts_with("No transaction"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    REQUIRE(desk.run("rollback").status == 0);
    CHECK(running(desk, "lb").empty());
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
}

TEST_CASE("what lb run had set comes back by rollback, as its file says it")
{
    const Desk desk;
    desk.write("run.yaml", balancer("nwa", 80));
    desk.write("new.yaml", balancer("nwa", 81));
    const pid_t child = ::fork();
    if (child == 0) become(desk, "lb run run.yaml");
    for (int i = 0; i < 200 && running(desk, "lb").empty(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::kill(child, SIGTERM); // what it has set stays
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(running(desk, "lb") == (desk.directory / "run.yaml").string());
    REQUIRE(desk.run("lb apply new.yaml").status == 0);
    const auto back = desk.run("rollback");
    CHECK_MESSAGE(back.status == 0, back.out);
    CHECK(running(desk, "lb") == (desk.directory / "run.yaml").string());
    CHECK(desk.run("lb stats --json").out.find("192.0.2.1:80/tcp") != std::string::npos);
    REQUIRE(desk.run("lb apply new.yaml").status == 0);
    fs::remove(desk.directory / "run.yaml");
    const auto gone = desk.run("rollback");
    CHECK(gone.status != 0);
    CHECK_MESSAGE(gone.out.find("run.yaml: what ran is there no more") != std::string::npos, gone.out);
    CHECK(running(desk, "lb").ends_with("new.yaml"));
    desk.write("run.yaml", balancer("nwa", 82));
    CHECK(desk.run("recover").status == 0);
    CHECK(desk.run("lb stats --json").out.find("192.0.2.1:82/tcp") != std::string::npos);
}

TEST_CASE("an interface without native XDP is told what generic costs, and takes it")
{
    const Desk desk;
    desk.write("native.yaml", "{interfaces: [lo]}");
    desk.write("generic.yaml", "{interfaces: [lo], mode: generic}");
    const auto refused = desk.run("filter apply native.yaml");
    CHECK(refused.status == 1);
    CHECK_MESSAGE(refused.out.find("lo: its driver has no native XDP; 'mode: generic' works on any interface") !=
                      std::string::npos,
                  refused.out);
    CHECK(refused.out.find("a drop costs about twice as much") != std::string::npos);
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
    const auto applied = desk.run("filter apply generic.yaml");
    CHECK_MESSAGE(applied.out.find("(generic XDP)") != std::string::npos, applied.out);
    CHECK(desk.attached("lo"));
}
