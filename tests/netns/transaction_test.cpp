// SPDX-License-Identifier: GPL-2.0-or-later
// Transactions against the real kernel, in namespaces of their own: what else moves, what fails, what vanishes.
#include "apply/persistence.h"
#include "apply/recover.h"
#include "apply/status.h"
#include "apply/transaction.h"
#include "apply/undo_script.h"

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "netns/private_namespace.h"

using namespace netwright;
using namespace netwright::apply;
using namespace netwright::test;

namespace {

struct Bench {
    TemporaryDirectory directory;
    std::filesystem::path state = directory.path() / "state", etc = directory.path() / "etc";
    kernel::Kernel kernel = private_kernel();
    ApplyOptions options{.etc_dir = etc, .guard = Guard::None};
    Journal journal() const
    {
        auto journal = Journal::open(state, Access::Write);
        REQUIRE(journal);
        return std::move(*journal);
    }
};

// Tools that tests may use: ip makes what the kernel is asked about.
int run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()); }

Plan plan_of(std::vector<Change> changes)
{
    Plan plan;
    plan.changes = std::move(changes);
    return plan;
}

void set(kernel::Kernel& kernel, const char* tunable, const char* value)
{
    const Tunable where = *parse_tunable(tunable);
    REQUIRE(tunable::write(kernel, where, *parse_value(where, value)));
}

} // namespace

TEST_CASE("every tunable of a namespace can be read, and writing back what was read changes nothing")
{
    enter_private_namespace();
    Bench bench;
    const auto all = tunable::list(bench.kernel);
    REQUIRE(all);
    CHECK(all->size() > 100);
    const auto before = everything(bench.kernel);
    std::size_t written = 0;
    for (const Tunable& tunable : *all) {
        CAPTURE(to_text(tunable));
        const auto value = tunable::read(bench.kernel, tunable);
        const auto* key = std::get_if<SysctlKey>(&tunable);
        if (key && !key->name.starts_with("net.ipv4.tcp_") && !key->name.starts_with("net.core.")) continue;
        if (!value || !*value) continue; // write-only triggers, empty places
        if (tunable::write(bench.kernel, tunable, **value)) ++written;
        const auto again = tunable::read(bench.kernel, tunable);
        REQUIRE(again);
        CHECK(tunable::same(tunable, *again, *value));
    }
    CHECK(written > 50);
    CHECK(everything(bench.kernel) == before);
}

TEST_CASE("what the kernel changes beside a write comes back too")
{
    enter_private_namespace();
    REQUIRE(run("ip link add nwa type veth peer name nwb") == 0);
    Bench bench;
    set(bench.kernel, "net.ipv4.conf.nwa.forwarding", "1"); // before ip_forward=0 would have cleared it
    set(bench.kernel, "net.ipv4.conf.nwb.rp_filter", "2");
    const auto before = everything(bench.kernel);
    Journal journal = bench.journal();
    {
        auto transaction = Transaction::begin(bench.kernel, journal,
                                              plan_of({change_to(bench.kernel, "net.ipv4.ip_forward", "1"),
                                                       change_to(bench.kernel, "net.ipv4.conf.default.rp_filter", "1"),
                                                       change_to(bench.kernel, "link/nwa/mtu", "1400")}),
                                              bench.options);
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        CHECK(shown(bench.kernel, "net.ipv4.conf.nwb.forwarding") == "1");
        CHECK(everything(bench.kernel) != before);
    }
    CHECK(everything(bench.kernel) == before);
    run("ip link del nwa");
}

TEST_CASE("the undo script alone brings everything back")
{
    enter_private_namespace();
    Bench bench;
    const auto before = everything(bench.kernel);
    Journal journal = bench.journal();
    auto transaction = Transaction::begin(bench.kernel, journal, small_plan(bench.kernel), bench.options);
    REQUIRE(transaction);
    REQUIRE(transaction->apply());
    // The script is for people whose /sys shows their namespace, as `ip netns exec` makes it.
    REQUIRE(::mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0);
    CHECK(run("sh " + undo_script_path(bench.state, 1).string()) == 0);
    ::umount2("/sys", MNT_DETACH);
    CHECK(everything(bench.kernel) == before);
    REQUIRE(transaction->undo());
    CHECK(everything(bench.kernel) == before);
}

TEST_CASE("a value the kernel refuses undoes those before it, in one line that names it")
{
    enter_private_namespace();
    Bench bench;
    const auto before = everything(bench.kernel);
    Journal journal = bench.journal();
    auto transaction =
        Transaction::begin(bench.kernel, journal,
                           plan_of({change_to(bench.kernel, "net.core.somaxconn", "8192"),
                                    change_to(bench.kernel, "net.ipv4.tcp_congestion_control", "nosuchalgorithm")}),
                           bench.options);
    REQUIRE(transaction);
    const auto applied = transaction->apply();
    REQUIRE_FALSE(applied);
    CHECK(applied.error().what.find("net.ipv4.tcp_congestion_control to 'nosuchalgorithm'") != std::string::npos);
    CHECK(applied.error().what.find('\n') == std::string::npos);
    CHECK(everything(bench.kernel) == before);
}

TEST_CASE("an interface that vanishes is no obstacle to putting the rest back")
{
    enter_private_namespace();
    Bench bench;
    const auto before = everything(bench.kernel);
    REQUIRE(run("ip link add nwa type veth peer name nwb") == 0);
    Journal journal = bench.journal();
    auto transaction = Transaction::begin(
        bench.kernel, journal,
        plan_of({change_to(bench.kernel, "net.core.somaxconn", "8192"), change_to(bench.kernel, "link/nwa/mtu", "1400"),
                 change_to(bench.kernel, "queue/nwa/rx-0/rps_cpus", "mask:1")}),
        bench.options);
    REQUIRE(transaction);
    SUBCASE("before the write")
    {
        REQUIRE(run("ip link del nwa") == 0);
        const auto applied = transaction->apply();
        REQUIRE_FALSE(applied);
        CHECK(applied.error().what.find("there is no interface nwa") != std::string::npos);
    }
    SUBCASE("after the write")
    {
        REQUIRE(transaction->apply());
        REQUIRE(run("ip link del nwa") == 0);
        const auto undone = transaction->undo();
        REQUIRE(undone);
        CHECK(undone->state == State::Undone);
        CHECK(undone->warnings.size() >= 2);
    }
    CHECK(everything(bench.kernel) == before);
    CHECK(*journal.state_of(1) == State::Undone);
}

TEST_CASE("with /proc/sys read-only nothing is changed and the error says so")
{
    enter_private_namespace();
    Bench bench;
    Journal journal = bench.journal();
    const auto before = everything(bench.kernel);
    REQUIRE(::mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) == 0);
    REQUIRE(::mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0);
    auto transaction = Transaction::begin(bench.kernel, journal, small_plan(bench.kernel), bench.options);
    const Error error = !transaction ? transaction.error() : transaction->apply().error();
    ::umount2("/proc/sys", MNT_DETACH);
    CHECK(error.kind == Error::Kind::Refused);
    CHECK(error.what.find("read-only") != std::string::npos);
    CHECK(error.what.find('\n') == std::string::npos);
    CHECK(everything(bench.kernel) == before);
    CHECK(journal.open_ones()->empty());
}

TEST_CASE("a disk that fills up at any moment leaves everything as it was")
{
    enter_private_namespace();
    Bench bench;
    const auto before = everything(bench.kernel);
    int refused = 0, applied = 0;
    for (std::size_t free_pages = 0; free_pages <= 64; ++free_pages) {
        CAPTURE(free_pages);
        std::filesystem::create_directories(bench.state);
        REQUIRE(::mount("tmpfs", bench.state.c_str(), "tmpfs", 0, "size=512k,mode=700") == 0);
        // All but so many pages are taken by somebody else.
        std::ofstream(bench.state / "filler", std::ios::binary) << std::string((128 - free_pages) * 4096, 'x');
        {
            auto journal = Journal::open(bench.state, Access::Write);
            Error error;
            if (!journal)
                error = journal.error();
            else if (auto begun = Transaction::begin(bench.kernel, *journal, small_plan(bench.kernel), bench.options);
                     !begun)
                error = begun.error();
            else if (auto done = begun->apply(); !done)
                error = done.error();
            ++(error.what.empty() ? applied : refused);
            CHECK(error.what.find('\n') == std::string::npos);
            if (!error.what.empty()) CHECK(error.code == ENOSPC);
        }
        CHECK(everything(bench.kernel) == before);
        std::filesystem::remove(bench.state / "filler"); // with room again, the rest of the story is closed
        if (auto journal = Journal::open(bench.state, Access::Write)) {
            CHECK(recover(bench.kernel, *journal));
            CHECK(journal->open_ones()->empty());
        }
        CHECK(everything(bench.kernel) == before);
        ::umount2(bench.state.c_str(), MNT_DETACH);
    }
    CHECK(refused > 5);
    CHECK(applied > 5);
}

namespace {

// A namespace with a name, made and removed with ip.
struct Named {
    std::string name = "nw-test-" + std::to_string(::getpid());
    Named() { REQUIRE(run("ip netns add " + name) == 0); }
    ~Named() { run("ip netns del " + name); }
    std::string read(const char* tunable) const
    {
        std::string text;
        std::thread([&] {
            if (!kernel::enter_namespace(name)) return;
            if (auto kernel = kernel::Kernel::live_in_namespace()) text = shown(*kernel, tunable);
        }).join();
        return text;
    }
    // Applies there in a child that dies without a word.
    void crash_inside(const Bench& bench) const
    {
        const pid_t child = ::fork();
        if (child == 0) {
            if (!kernel::enter_namespace(name)) ::_exit(2);
            auto kernel = kernel::Kernel::live_in_namespace();
            auto journal = Journal::open(bench.state, Access::Write);
            if (!kernel || !journal) ::_exit(3);
            auto options = bench.options;
            options.etc_dir.reset();
            auto transaction = Transaction::begin(*kernel, *journal, small_plan(*kernel), options);
            if (!transaction || !transaction->apply()) ::_exit(4);
            ::_exit(0);
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        REQUIRE(WIFEXITED(status));
        REQUIRE(WEXITSTATUS(status) == 0);
    }
};

} // namespace

TEST_CASE("a transaction in a named namespace is recovered there, from outside")
{
    enter_private_namespace();
    Bench bench;
    const Named named;
    const std::string before = named.read("net.core.somaxconn");
    named.crash_inside(bench);
    REQUIRE(named.read("net.core.somaxconn") == "8192");
    const auto outside = everything(bench.kernel);
    const auto seen = status(bench.kernel, bench.state);
    REQUIRE(seen);
    REQUIRE(seen->open.size() == 1);
    CHECK(seen->open[0].record.space.name == named.name);
    CHECK(seen->open[0].record.etc_dir.empty()); // sysctl.d is for the host
    Journal journal = bench.journal();
    REQUIRE(recover(bench.kernel, journal));
    CHECK(named.read("net.core.somaxconn") == before);
    CHECK(named.read("link/lo/mtu") == "65536");
    CHECK(everything(bench.kernel) == outside);
    CHECK(*journal.state_of(1) == State::Undone);
}

TEST_CASE("a transaction in a namespace that is gone is closed and says so")
{
    enter_private_namespace();
    Bench bench;
    {
        const Named named;
        named.crash_inside(bench);
    }
    const Named another; // the same name and perhaps the same inode, but not the same namespace
    Journal journal = bench.journal();
    const auto recovered = recover(bench.kernel, journal);
    REQUIRE(recovered);
    REQUIRE(recovered->size() == 1);
    CHECK(recovered->front().state == State::Undone);
    REQUIRE_FALSE(recovered->front().warnings.empty());
    CHECK(recovered->front().warnings.front().find("is gone") != std::string::npos);
}

TEST_CASE("status, history and drift tell the story of a transaction")
{
    enter_private_namespace();
    Bench bench;
    CHECK(status(bench.kernel, bench.state)->open.empty());
    CHECK(history(bench.state)->empty());
    Journal journal = bench.journal();
    bench.options.confirm_within = std::chrono::seconds(60);
    auto transaction = Transaction::begin(bench.kernel, journal, small_plan(bench.kernel), bench.options);
    REQUIRE(transaction);
    REQUIRE(transaction->apply());
    const auto waiting = status(bench.kernel, bench.state);
    REQUIRE(waiting);
    REQUIRE(waiting->open.size() == 1);
    CHECK(waiting->open[0].remaining > std::chrono::seconds(50));
    CHECK(waiting->open[0].owner_alive);
    CHECK_FALSE(waiting->open[0].watchdog_alive);
    REQUIRE(transaction->keep());
    CHECK(status(bench.kernel, bench.state)->confirmed == 1);
    CHECK(drift(bench.kernel, bench.state)->empty());
    set(bench.kernel, "net.core.somaxconn", "99");
    const auto drifted = drift(bench.kernel, bench.state);
    REQUIRE(drifted);
    REQUIRE(drifted->size() == 1);
    CHECK(to_text(drifted->front().tunable) == "sysctl/net.core.somaxconn");
    CHECK(to_text(*drifted->front().confirmed) == "8192");
    const auto back = rollback(bench.kernel, journal, std::nullopt, IfChanged::Overwrite);
    CHECK((back ? "" : back.error().what) == "");
    const auto told = history(bench.state);
    REQUIRE(told);
    REQUIRE(told->size() == 1);
    CHECK(told->front().state == State::Undone);
    CHECK(told->front().changes == 7);
}
