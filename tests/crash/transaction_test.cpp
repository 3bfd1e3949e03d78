// SPDX-License-Identifier: GPL-2.0-or-later
// kill -9 at every step of a transaction: of applying, confirming, rolling back and recovering. After each, recovery
// must leave every value of the namespace, the journal and sysctl.d whole: all as before, or all confirmed.
#include "apply/persistence.h"
#include "apply/recover.h"

#include <doctest/doctest.h>

#include "crash/ptrace_killer.h"
#include "netns/private_namespace.h"

using namespace netwright;
using namespace netwright::apply;
using namespace netwright::test;

namespace {

// A state directory and an /etc of one round.
struct Place {
    TemporaryDirectory directory;
    std::filesystem::path state = directory.path() / "state", etc = directory.path() / "etc";

    ApplyOptions options(std::optional<std::chrono::seconds> confirm_within) const
    {
        return {.etc_dir = etc, .confirm_within = confirm_within, .guard = Guard::None};
    }
    bool persisted() const { return std::filesystem::exists(etc / "sysctl.d" / sysctl_file_name); }
    bool script_left() const
    {
        for (const auto& entry : std::filesystem::directory_iterator(state))
            if (entry.path().filename().string().starts_with("undo-")) return true;
        return false;
    }
};

void apply_plan(const Place& place, const std::function<void(Transaction&)>& then,
                std::optional<std::chrono::seconds> confirm_within = {})
{
    auto kernel = kernel::Kernel::live_in_namespace();
    auto journal = Journal::open(place.state, Access::Write);
    if (!kernel || !journal) ::_exit(3);
    auto transaction = Transaction::begin(*kernel, *journal, small_plan(*kernel), place.options(confirm_within));
    if (!transaction || !transaction->apply()) ::_exit(4);
    then(*transaction);
}

// In a child, so that it can end without any destructor.
void apply_in_child(const Place& place, const std::function<void(Transaction&)>& then,
                    std::optional<std::chrono::seconds> confirm_within = {})
{
    const pid_t child = ::fork();
    if (child == 0) {
        apply_plan(place, then, confirm_within);
        ::_exit(0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
}

void in_child(const Place& place, const std::function<void(kernel::Kernel&, Journal&)>& act)
{
    auto kernel = kernel::Kernel::live_in_namespace();
    auto journal = Journal::open(place.state, Access::Write);
    if (kernel && journal) act(*kernel, *journal);
}

std::vector<Record> recover_and_list(const Place& place)
{
    kernel::Kernel kernel = private_kernel();
    auto journal = Journal::open(place.state, Access::Write);
    REQUIRE(journal);
    REQUIRE(recover(kernel, *journal));
    auto all = journal->all();
    REQUIRE(all);
    return std::move(*all);
}

void check_as_before(const Place& place, const std::map<std::string, std::string>& before)
{
    kernel::Kernel kernel = private_kernel();
    CHECK(everything(kernel) == before);
    CHECK_FALSE(place.persisted());
    CHECK_FALSE(place.script_left());
}

void check_new_values(const Place& place)
{
    kernel::Kernel kernel = private_kernel();
    CHECK(shown(kernel, "net.core.somaxconn") == "8192");
    CHECK(shown(kernel, "net.ipv4.ip_local_reserved_ports") == "30000-30010");
    CHECK(shown(kernel, "link/lo/mtu") == "16384");
    CHECK(shown(kernel, "queue/lo/rx-0/rps_cpus") == "list:0");
    CHECK(file_text(place.etc / "sysctl.d" / sysctl_file_name).find("net.core.somaxconn = 8192\n") !=
          std::string::npos);
    CHECK_FALSE(place.script_left());
}

void roll_back_now(const Place& place)
{
    kernel::Kernel kernel = private_kernel();
    auto journal = Journal::open(place.state, Access::Write);
    REQUIRE(journal);
    REQUIRE(rollback(kernel, *journal, std::nullopt, IfChanged::Refuse));
}

} // namespace

TEST_CASE("killed at any step of applying or undoing, a host comes back as it was")
{
    enter_private_namespace();
    kernel::Kernel kernel = private_kernel();
    const auto before = everything(kernel);
    int n = 1;
    for (End end = End::Killed; end == End::Killed; ++n) {
        CAPTURE(n);
        const Place place;
        // The transaction's destructor undoes it: the second half of the run.
        end = kill_at(n, [&] { apply_plan(place, [](Transaction&) {}); });
        for (const Record& record : recover_and_list(place))
            CHECK(record.state == State::Undone);
        check_as_before(place, before);
    }
    MESSAGE("killed at " << n - 2 << " steps");
    CHECK(n > 60); // it must have been a real run
}

TEST_CASE("killed at any step of confirming, a transaction is kept as a whole or still waits")
{
    enter_private_namespace();
    kernel::Kernel kernel = private_kernel();
    const auto before = everything(kernel);
    int n = 1, kept = 0, waiting = 0;
    for (End end = End::Killed; end == End::Killed; ++n) {
        CAPTURE(n);
        const Place place;
        apply_in_child(place, [](Transaction& transaction) { transaction.leave(); }, std::chrono::hours(1));
        end = kill_at(n, [&] { in_child(place, [](auto& k, auto& journal) { (void)confirm(k, journal, {}); }); });
        // With a watchdog that is alive nothing but the deadline changes a waiting transaction; here there is none, and
        // recover() starts one: it ends when we roll back.
        const auto records = recover_and_list(place);
        REQUIRE(records.size() == 1);
        const bool confirmed = records[0].state == State::Confirmed;
        ++(confirmed ? kept : waiting);
        if (confirmed)
            check_new_values(place);
        else
            CHECK(records[0].state == State::Applied);
        if (!confirmed) CHECK_FALSE(place.persisted());
        roll_back_now(place);
        check_as_before(place, before);
    }
    CHECK(kept > 0);
    CHECK(waiting > 0);
}

TEST_CASE("killed at any step of rolling back a confirmed transaction, it is whole or gone")
{
    enter_private_namespace();
    kernel::Kernel kernel = private_kernel();
    const auto before = everything(kernel);
    int n = 1, whole = 0, gone = 0;
    for (End end = End::Killed; end == End::Killed; ++n) {
        CAPTURE(n);
        const Place place;
        apply_in_child(place, [](Transaction& transaction) {
            if (!transaction.keep()) ::_exit(5);
        });
        end = kill_at(n, [&] {
            in_child(place, [](auto& k, auto& journal) { (void)rollback(k, journal, {}, IfChanged::Refuse); });
        });
        const auto records = recover_and_list(place);
        REQUIRE(records.size() == 1);
        if (records[0].state == State::Confirmed) {
            ++whole;
            check_new_values(place);
            roll_back_now(place);
        } else {
            ++gone;
            CHECK(records[0].state == State::Undone);
        }
        check_as_before(place, before);
    }
    CHECK(whole > 0);
    CHECK(gone > 0);
}

TEST_CASE("killed at any step of recovering, the next recovery finishes it")
{
    enter_private_namespace();
    kernel::Kernel kernel = private_kernel();
    const auto before = everything(kernel);
    int n = 1;
    for (End end = End::Killed; end == End::Killed; ++n) {
        CAPTURE(n);
        const Place place;
        apply_in_child(place, [](Transaction&) { ::_exit(0); }); // a crash after the last write
        end = kill_at(n, [&] { in_child(place, [](auto& k, auto& journal) { (void)recover(k, journal); }); });
        for (const Record& record : recover_and_list(place))
            CHECK(record.state == State::Undone);
        check_as_before(place, before);
    }
    CHECK(n > 20);
}
