// SPDX-License-Identifier: GPL-2.0-or-later
// The watchdog against the ways in which owners, terminals and watchdogs themselves end.
#include "apply/recover.h"
#include "apply/watchdog.h"

#include <doctest/doctest.h>
#include <pty.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "netns/private_namespace.h"

using namespace netwright;
using namespace netwright::apply;
using namespace netwright::test;
using namespace std::chrono_literals;

namespace {

bool soon(const std::function<bool()>& holds, std::chrono::milliseconds patience = 10s)
{
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

struct Waiting {
    TemporaryDirectory directory;
    std::filesystem::path state = directory.path() / "state", etc = directory.path() / "etc";
    kernel::Kernel kernel = private_kernel();
    std::map<std::string, std::string> before = everything(kernel);

    bool changed() { return shown(kernel, "net.core.somaxconn") == "8192" && shown(kernel, "link/lo/mtu") == "16384"; }
    bool back()
    {
        return shown(kernel, "net.core.somaxconn") == before.at("sysctl/net.core.somaxconn") &&
               everything(kernel) == before;
    }
    Journal journal() const
    {
        auto journal = Journal::open(state, Access::Write);
        REQUIRE(journal);
        return std::move(*journal);
    }
    Record record() const
    {
        auto record = journal().find(1);
        REQUIRE(record);
        return *record;
    }
    bool in_state(State wanted) const
    {
        auto opened = Journal::open(state, Access::Read);
        return opened && opened->state_of(1) == wanted;
    }
    bool applied() const { return in_state(State::Applied); }
    // What `netwright apply` does, in a process of its own.
    void own(ApplyOptions options, const std::function<void(Transaction&)>& then) const
    {
        options.etc_dir = etc;
        auto kernel_there = kernel::Kernel::live_in_namespace();
        auto opened = Journal::open(state, Access::Write);
        if (!kernel_there || !opened) ::_exit(3);
        auto transaction = Transaction::begin(*kernel_there, *opened, small_plan(*kernel_there), options);
        if (!transaction || !transaction->apply()) ::_exit(4);
        then(*transaction);
    }
    pid_t start(const ApplyOptions& options, const std::function<void(Transaction&)>& then) const
    {
        const pid_t child = ::fork();
        if (child == 0) {
            own(options, then);
            ::_exit(0);
        }
        return child;
    }
};

void leave(Transaction& transaction) { transaction.leave(); }
void wait_forever(Transaction&)
{
    for (;;)
        ::pause();
}
void collect(pid_t child) { ::waitpid(child, nullptr, 0); }

} // namespace

TEST_CASE("when the terminal and its session are gone, the values come back at the deadline and not before")
{
    enter_private_namespace();
    Waiting waiting;
    int terminal = -1;
    const pid_t leader = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (leader == 0) {
        waiting.own({.confirm_within = 3s}, wait_forever);
        ::_exit(0);
    }
    REQUIRE(soon([&] { return waiting.applied(); }));
    const Record record = waiting.record();
    ::close(terminal); // hang up: SIGHUP to the session
    ::kill(leader, SIGKILL);
    collect(leader);
    CHECK(is_alive(record.watchdog));
    CHECK(waiting.changed());
    while (now_since_boot() < record.deadline - 500ms) {
        REQUIRE(waiting.changed());
        std::this_thread::sleep_for(50ms);
    }
    CHECK(soon([&] { return waiting.in_state(State::Undone); }));
    CHECK(waiting.back());
    CHECK(soon([&] { return !is_alive(record.watchdog); }));
}

TEST_CASE("confirmed in time, the watchdog ends and the values stay")
{
    enter_private_namespace();
    Waiting waiting;
    collect(waiting.start({.confirm_within = 2s}, leave));
    const Record record = waiting.record();
    REQUIRE(record.state == State::Applied);
    Journal journal = waiting.journal();
    REQUIRE(confirm(waiting.kernel, journal, std::nullopt));
    CHECK(soon([&] { return !is_alive(record.watchdog); }));
    while (now_since_boot() < record.deadline + 300ms)
        std::this_thread::sleep_for(50ms);
    CHECK(waiting.changed());
    REQUIRE(rollback(waiting.kernel, journal, std::nullopt, IfChanged::Refuse));
    CHECK(waiting.back());
}

TEST_CASE("an owner that dies before its transaction is applied is undone at once")
{
    enter_private_namespace();
    Waiting waiting;
    const pid_t owner = waiting.start({.confirm_within = 600s, .check_command = "sleep 60"}, leave);
    REQUIRE(soon([&] { return waiting.changed(); }));
    ::kill(owner, SIGKILL);
    collect(owner);
    CHECK(soon([&] { return waiting.in_state(State::Undone); }));
    CHECK(waiting.back());
}

TEST_CASE("an owner without a deadline takes its transaction with it")
{
    enter_private_namespace();
    Waiting waiting;
    const pid_t owner = waiting.start({}, wait_forever);
    REQUIRE(soon([&] { return waiting.applied(); }));
    ::kill(owner, SIGKILL);
    collect(owner);
    CHECK(soon([&] { return waiting.in_state(State::Undone); }));
    CHECK(waiting.back());
}

TEST_CASE("a watchdog that was killed is replaced before the deadline, and not needed after it")
{
    enter_private_namespace();
    Waiting waiting;
    collect(waiting.start({.confirm_within = 2s}, leave));
    const Record record = waiting.record();
    ::kill(record.watchdog.pid, SIGKILL);
    REQUIRE(soon([&] { return !is_alive(record.watchdog); }));
    Journal journal = waiting.journal();
    SUBCASE("recover in time starts another one")
    {
        REQUIRE(recover(waiting.kernel, journal));
        const Record again = waiting.record();
        CHECK(again.state == State::Applied);
        CHECK(is_alive(again.watchdog));
        CHECK(again.watchdog != record.watchdog);
        CHECK(waiting.changed());
        CHECK(soon([&] { return waiting.in_state(State::Undone); }));
    }
    SUBCASE("recover after the deadline undoes")
    {
        while (now_since_boot() < record.deadline)
            std::this_thread::sleep_for(50ms);
        CHECK(waiting.changed());
        REQUIRE(recover(waiting.kernel, journal));
    }
    CHECK(waiting.in_state(State::Undone));
    CHECK(waiting.back());
}

TEST_CASE("asked to end, a watchdog undoes first")
{
    enter_private_namespace();
    Waiting waiting;
    collect(waiting.start({.confirm_within = 600s}, leave));
    ::kill(waiting.record().watchdog.pid, SIGTERM);
    CHECK(soon([&] { return waiting.in_state(State::Undone); }));
    CHECK(waiting.back());
}

TEST_CASE("without its journal a watchdog undoes from memory")
{
    enter_private_namespace();
    Waiting waiting;
    collect(waiting.start({.confirm_within = 2s}, leave));
    const Record record = waiting.record();
    for (const char* name : {"journal.db", "journal.db-wal", "journal.db-shm"}) {
        const auto file = waiting.state / name;
        if (!std::filesystem::exists(file)) continue;
        std::filesystem::resize_file(file, 0);
        std::ofstream(file, std::ios::binary) << std::string(8192, 'x');
    }
    CHECK(soon([&] { return waiting.back(); }, 20s));
    CHECK(soon([&] { return !is_alive(record.watchdog); }, 20s));
}

TEST_CASE("when the state directory is gone a watchdog undoes from memory, and ends")
{
    enter_private_namespace();
    Waiting waiting;
    collect(waiting.start({.confirm_within = 1s}, leave));
    const Record record = waiting.record();
    std::filesystem::rename(waiting.state, waiting.directory.path() / "elsewhere");
    CHECK(soon([&] { return waiting.back(); }, 20s));
    CHECK(soon([&] { return !is_alive(record.watchdog); }, 20s));
}

TEST_CASE("a watchdog holds no descriptor of its owner and leaves the owner's session")
{
    enter_private_namespace();
    Waiting waiting;
    collect(waiting.start({.confirm_within = 600s}, leave));
    const Record record = waiting.record();
    CHECK(::getsid(record.watchdog.pid) != ::getsid(0));
    const std::filesystem::path process = "/proc/" + std::to_string(record.watchdog.pid);
    CHECK(std::filesystem::read_symlink(process / "fd/0") == "/dev/null");
    CHECK(std::filesystem::read_symlink(process / "fd/2") == waiting.state / "watchdog.log");
    for (const auto& entry : std::filesystem::directory_iterator(process / "fd"))
        CHECK(std::filesystem::read_symlink(entry.path()).string().find("/lock") == std::string::npos);
    Journal journal = waiting.journal();
    REQUIRE(rollback(waiting.kernel, journal, std::nullopt, IfChanged::Refuse));
    CHECK(waiting.back());
    CHECK(soon([&] { return !is_alive(record.watchdog); }));
}
