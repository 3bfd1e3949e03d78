// SPDX-License-Identifier: GPL-2.0-or-later
// Transactions over a tree that stands in for /proc and /sys.
#include "apply/fingerprint.h"
#include "apply/persistence.h"
#include "apply/recover.h"
#include "apply/transaction.h"
#include "apply/undo_script.h"
#include "tunable/tree.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::apply;
using netwright::test::TemporaryDirectory;
using netwright::test::Tree;

namespace {

struct Bench {
    Tree tree;
    TemporaryDirectory directory;
    kernel::Kernel kernel = tree.kernel();
    Journal journal = *Journal::open(directory.path() / "state", Access::Write);
    ApplyOptions options{.etc_dir = directory.path() / "etc", .guard = Guard::None};

    std::filesystem::path sysctl_file() const { return directory.path() / "etc/sysctl.d" / sysctl_file_name; }
    std::filesystem::path script() const { return undo_script_path(journal.directory(), 1); }
};

Change change(const char* tunable, const char* from, const char* to)
{
    Change one;
    one.tunable = *parse_tunable(tunable);
    if (from) one.from = *parse_value(one.tunable, from);
    if (to) one.to = *parse_value(one.tunable, to);
    one.persistence = natural_persistence(one.tunable);
    return one;
}

Plan plan_of(std::vector<Change> changes)
{
    Plan plan;
    plan.changes = std::move(changes);
    return plan;
}

Plan good_plan()
{
    return plan_of({change("net.core.somaxconn", "4096", "8192"),
                    change("net.ipv4.tcp_rmem", "4096 131072 6291456", "4096 131072 33554432"),
                    change("net.ipv4.ip_local_reserved_ports", nullptr, "8080-8090"),
                    change("link/eth0/mtu", "1500", "9000"), change("queue/eth0/rx-0/rps_cpus", "0", "mask:f")});
}

State state_of(const Bench& bench, std::int64_t id = 1) { return *bench.journal.state_of(id); }

} // namespace

TEST_CASE("what the reviewed plan does not want to last is kept, but not written to sysctl.d")
{
    Bench bench;
    Plan plan = good_plan();
    plan.changes[1].persistence = Persistence::None;
    auto transaction = Transaction::begin(bench.kernel, bench.journal, plan, bench.options);
    REQUIRE(transaction);
    REQUIRE(transaction->apply());
    const auto kept = transaction->keep();
    REQUIRE(kept);
    const std::string file = netwright::test::file_text(bench.sysctl_file());
    CHECK(file.find("net.core.somaxconn = 8192") != std::string::npos);
    CHECK(file.find("tcp_rmem") == std::string::npos);
    for (const std::string& warning : kept->warnings)
        CHECK(warning.find("tcp_rmem") == std::string::npos); // it was asked for: nothing to warn of
    REQUIRE(rollback(bench.kernel, bench.journal, std::nullopt, IfChanged::Refuse));
    CHECK_FALSE(std::filesystem::exists(bench.sysctl_file()));
}

TEST_CASE("applied, then undone, the tree is the same byte for byte")
{
    Bench bench;
    const auto before = bench.tree.everything();
    auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
    REQUIRE(transaction);
    CHECK(bench.tree.everything() == before);
    const auto applied = transaction->apply();
    REQUIRE(applied);
    CHECK(applied->steps.size() == 5);
    CHECK(bench.tree.text("proc/sys/net/core/somaxconn") == "8192\n");
    CHECK(bench.tree.text("sys/class/net/eth0/mtu") == "9000\n");
    CHECK(state_of(bench) == State::Applied);
    CHECK(std::filesystem::exists(bench.script()));
    REQUIRE(transaction->undo());
    CHECK(bench.tree.everything() == before);
    CHECK(state_of(bench) == State::Undone);
    CHECK_FALSE(std::filesystem::exists(bench.script()));
    CHECK_FALSE(std::filesystem::exists(bench.sysctl_file()));
}

TEST_CASE("a transaction that is neither kept nor undone undoes itself")
{
    Bench bench;
    const auto before = bench.tree.everything();
    {
        auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        CHECK(bench.tree.everything() != before);
    }
    CHECK(bench.tree.everything() == before);
    CHECK(state_of(bench) == State::Undone);
}

TEST_CASE("kept values last, and rolling back takes them out again")
{
    Bench bench;
    const auto before = bench.tree.everything();
    {
        auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        const auto kept = transaction->keep();
        REQUIRE(kept);
        CHECK(kept->warnings.empty()); // link and queue last by the boot unit: udev does not know this tree's eth0
    }
    CHECK(state_of(bench) == State::Confirmed);
    CHECK(bench.tree.text("proc/sys/net/core/somaxconn") == "8192\n");
    const std::string file = test::file_text(bench.sysctl_file());
    CHECK(file.find("\nnet.core.somaxconn = 8192\n") != std::string::npos);
    CHECK(file.find("\nnet.ipv4.tcp_rmem = 4096 131072 33554432\n") != std::string::npos);
    CHECK(file.find("mtu") == std::string::npos);
    const auto unit = bench.sysctl_file().parent_path().parent_path() / "systemd/system/netwright-restore.service";
    CHECK(test::file_text(unit).find("#   link/eth0/mtu\n") != std::string::npos);
    REQUIRE(rollback(bench.kernel, bench.journal, std::nullopt, IfChanged::Refuse));
    CHECK(bench.tree.everything() == before);
    CHECK_FALSE(std::filesystem::exists(bench.sysctl_file()));
    CHECK_FALSE(std::filesystem::exists(unit));
    CHECK(state_of(bench) == State::Undone);
}

TEST_CASE("an old value that is not as planned stops the transaction before the first write")
{
    Bench bench;
    const auto before = bench.tree.everything();
    const auto refused = Transaction::begin(
        bench.kernel, bench.journal,
        plan_of({change("net.core.somaxconn", "4096", "8192"), change("net.core.netdev_max_backlog", "2000", "5000")}),
        bench.options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Error::Kind::Mismatch);
    CHECK(refused.error().what == "sysctl/net.core.netdev_max_backlog is now 1000, but the plan was made when it was "
                                  "2000: make a new plan");
    CHECK(bench.tree.everything() == before);
    CHECK(bench.journal.all()->empty());
}

TEST_CASE("a plan for another host, kernel or interface is refused by name")
{
    Bench bench;
    const Fingerprint here = *fingerprint(bench.kernel);
    CHECK(here.machine_id == "0123456789abcdef0123456789abcdef");
    Plan plan = good_plan();
    plan.made_for = here;
    CHECK(compare(plan, here));
    plan.made_for.machine_id = "ffff";
    CHECK(compare(plan, here).error().kind == Error::Kind::Mismatch);
    plan.made_for = here;
    plan.made_for.kernel = "5.10";
    CHECK(compare(plan, here).error().kind == Error::Kind::Mismatch);
    plan.made_for = here;
    plan.made_for.nics = {"eth0 virtio_net 52:54:00:99:99:99"};
    CHECK(compare(plan, here).error().what.find("eth0 had the address") != std::string::npos);
    plan.changes.pop_back();
    plan.changes.pop_back();
    CHECK(compare(plan, here)); // an interface that the plan does not touch may change
}

TEST_CASE("empty plans, doubles, unknown keys and senseless values are refused")
{
    Bench bench;
    const auto begin = [&](Plan plan) { return Transaction::begin(bench.kernel, bench.journal, plan, bench.options); };
    CHECK(begin(plan_of({})).error().kind == Error::Kind::Rejected);
    CHECK(begin(plan_of({change("net.core.somaxconn", "4096", "1"), change("net.core.somaxconn", "4096", "2")}))
              .error()
              .kind == Error::Kind::Rejected);
    CHECK(begin(plan_of({change("net.core.nothing", "1", "2")})).error().kind == Error::Kind::Absent);
    CHECK(begin(plan_of({change("queue/eth0/rx-0/rps_cpus", "0", "list:99")})).error().kind == Error::Kind::Rejected);
    CHECK(bench.journal.all()->empty());
}

TEST_CASE("a failed write undoes the ones before it and says why")
{
    Bench bench;
    auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
    REQUIRE(transaction);
    const auto before = bench.tree.text("proc/sys/net/core/somaxconn");
    bench.tree.remove("sys/class/net/eth0"); // the card is pulled out between begin and apply
    const auto applied = transaction->apply();
    REQUIRE_FALSE(applied);
    CHECK(applied.error().what.find("what could be was put back, not this: there is no interface eth0") !=
          std::string::npos);
    CHECK(bench.tree.text("proc/sys/net/core/somaxconn") == before);
    CHECK(bench.tree.text("proc/sys/net/ipv4/tcp_rmem") == "4096\t131072\t6291456\n");
    CHECK(state_of(bench) == State::Undone);
}

TEST_CASE("a failed check undoes everything")
{
    Bench bench;
    const auto before = bench.tree.everything();
    for (const char* command : {"exit 3", "kill -9 $$", "sleep 30"}) {
        CAPTURE(command);
        bench.options.check_command = command;
        bench.options.check_timeout = std::chrono::seconds(command[0] == 's' ? 1 : 20);
        auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE(transaction);
        const auto applied = transaction->apply();
        REQUIRE_FALSE(applied);
        CHECK(applied.error().what.starts_with("check '"));
        CHECK(bench.tree.everything() == before);
    }
}

TEST_CASE("a second transaction is refused while one is open")
{
    Bench bench;
    auto first = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
    REQUIRE(first);
    SUBCASE("being worked on: the lock names its holder")
    {
        const auto second = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == Error::Kind::Busy);
        CHECK(second.error().what == "another netwright (pid " + std::to_string(::getpid()) +
                                         ") is applying transaction 1: wait or see `netwright status`");
    }
    SUBCASE("waiting to be confirmed: the journal says so")
    {
        auto waiting = [&] {
            bench.options.confirm_within = std::chrono::seconds(60);
            REQUIRE(first->undo());
            auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
            REQUIRE(transaction);
            REQUIRE(transaction->apply());
            transaction->leave();
        };
        waiting();
        const auto second = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE_FALSE(second);
        CHECK(second.error().what.starts_with("transaction 2 is still open (applied)"));
        REQUIRE(confirm(bench.kernel, bench.journal, std::nullopt));
        CHECK(state_of(bench, 2) == State::Confirmed);
    }
}

TEST_CASE("a confirm that comes too late is refused")
{
    Bench bench;
    bench.options.confirm_within = std::chrono::seconds(0);
    const auto before = bench.tree.everything();
    {
        auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        transaction->leave();
    }
    const auto late = confirm(bench.kernel, bench.journal, std::nullopt);
    REQUIRE_FALSE(late);
    CHECK(late.error().what.find("too late") != std::string::npos);
    const auto recovered = recover(bench.kernel, bench.journal);
    REQUIRE(recovered);
    REQUIRE(recovered->size() == 1);
    CHECK(recovered->front().state == State::Undone);
    CHECK(bench.tree.everything() == before);
    CHECK(confirm(bench.kernel, bench.journal, 1).error().what.find("was rolled back") != std::string::npos);
    CHECK(confirm(bench.kernel, bench.journal, 7).error().kind == Error::Kind::Absent);
}

TEST_CASE("a value that somebody changed since is said, and only overwritten when asked to")
{
    Bench bench;
    const auto before = bench.tree.everything();
    {
        auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        REQUIRE(transaction->keep());
    }
    bench.tree.put("proc/sys/net/core/somaxconn", "777\n");
    const auto now = bench.tree.everything();
    const auto refused = rollback(bench.kernel, bench.journal, 1, IfChanged::Refuse);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Error::Kind::Mismatch);
    CHECK(refused.error().what.find("sysctl/net.core.somaxconn is now 777") != std::string::npos);
    CHECK(bench.tree.everything() == now);
    SUBCASE("left alone")
    {
        const auto left = rollback(bench.kernel, bench.journal, 1, IfChanged::Leave);
        REQUIRE(left);
        CHECK(left->warnings.size() == 1);
        CHECK(bench.tree.text("proc/sys/net/core/somaxconn") == "777\n");
        CHECK(bench.tree.text("sys/class/net/eth0/mtu") == "1500\n");
    }
    SUBCASE("overwritten")
    {
        REQUIRE(rollback(bench.kernel, bench.journal, 1, IfChanged::Overwrite));
        CHECK(bench.tree.everything() == before);
    }
    CHECK(state_of(bench) == State::Undone);
}

TEST_CASE("rolling back a transaction that a later one builds on names the later one")
{
    Bench bench;
    for (const auto& [from, to] : {std::pair{"4096", "8192"}, std::pair{"8192", "16384"}}) {
        auto transaction = Transaction::begin(bench.kernel, bench.journal,
                                              plan_of({change("net.core.somaxconn", from, to)}), bench.options);
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        REQUIRE(transaction->keep());
    }
    CHECK(
        rollback(bench.kernel, bench.journal, 1, IfChanged::Refuse).error().what.find("transaction 2 has changed it") !=
        std::string::npos);
    REQUIRE(rollback(bench.kernel, bench.journal, std::nullopt, IfChanged::Refuse));
    CHECK(bench.tree.text("proc/sys/net/core/somaxconn") == "8192\n");
    CHECK(test::file_text(bench.sysctl_file()).find("net.core.somaxconn = 8192\n") != std::string::npos);
    REQUIRE(rollback(bench.kernel, bench.journal, std::nullopt, IfChanged::Refuse));
    CHECK(bench.tree.text("proc/sys/net/core/somaxconn") == "4096\n");
    CHECK_FALSE(std::filesystem::exists(bench.sysctl_file()));
    CHECK(rollback(bench.kernel, bench.journal, std::nullopt, IfChanged::Refuse).error().kind == Error::Kind::Rejected);
    CHECK(rollback(bench.kernel, bench.journal, 1, IfChanged::Refuse).error().what ==
          "transaction 1 is undone already");
}

TEST_CASE("after a reboot an open transaction is closed and what is back already is not touched")
{
    Bench bench;
    bench.options.confirm_within = std::chrono::hours(1);
    const auto before = bench.tree.everything();
    {
        auto transaction = Transaction::begin(bench.kernel, bench.journal, good_plan(), bench.options);
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        transaction->leave();
    }
    // The kernel has forgotten most values; one was set again by somebody's boot script, one by nobody.
    for (const auto& [path, text] : before)
        if (path.find("somaxconn") == std::string::npos) bench.tree.put(path, text);
    bench.tree.put("proc/sys/kernel/random/boot_id", "another-boot\n");
    REQUIRE(recover(bench.kernel, bench.journal));
    CHECK(state_of(bench) == State::Undone);
    CHECK(bench.tree.text("proc/sys/net/core/somaxconn") == "4096\n");
}

TEST_CASE("a rehearsal says what would be done and leaves no trace")
{
    Bench bench;
    const auto before = bench.tree.everything();
    const auto rehearsed = Transaction::rehearse(bench.kernel, good_plan());
    REQUIRE(rehearsed);
    CHECK(rehearsed->steps.size() == 5);
    CHECK(bench.tree.everything() == before);
    CHECK(bench.journal.all()->empty());
}

TEST_CASE("the undo script is sh, newest first, with every value quoted")
{
    Record record;
    record.id = 3;
    record.started = "2026-11-21T00:00:00Z";
    record.steps = {{*parse_tunable("net.core.somaxconn"),
                     *parse_value(*parse_tunable("net.core.somaxconn"), "4096"),
                     *parse_value(*parse_tunable("net.core.somaxconn"), "8192"),
                     {}},
                    {*parse_tunable("link/eth0/mtu"), Value{std::int64_t{1500}}, Value{std::int64_t{9000}}, {}},
                    {*parse_tunable("net.ipv4.tcp_congestion_control"), Value{std::string("it's")}, {}, {}}};
    const std::string script = undo_script(record);
    CHECK(script.starts_with("#!/bin/sh\n"));
    CHECK(script.find("ip link set dev 'eth0' mtu 1500") <
          script.find("printf '%s\\n' '4096' > '/proc/sys/net/core/somaxconn'"));
    CHECK(script.find("'it'\\''s'") != std::string::npos);
}
