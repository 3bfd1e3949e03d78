// SPDX-License-Identifier: GPL-2.0-or-later
// Applying 100 sysctls in a private namespace, journal and verification included, beside `sysctl -p` of the same keys.
// The disk's own time for syncing is measured beside and printed: the target is 50 ms beyond it.
#include "apply/transaction.h"
#include "base/median.h"
#include "tunable/tunable_kind.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

using namespace netwright;

namespace {

constexpr std::size_t keys = 100;
constexpr int rounds = 15;

struct Cost {
    double wall_ms = 0, cpu_ms = 0;
};

double ms(const timeval& time)
{
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
}

// In a child of its own, whose CPU time is what it and its children used.
Cost cost_of(const std::function<bool()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work() ? 0 : 1);
    int status = 0;
    rusage used{};
    ::wait4(child, &status, 0, &used);
    const double wall = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fmt::print(stderr, "apply_bench: a round failed\n");
        std::exit(1);
    }
    return {wall, ms(used.ru_utime) + ms(used.ru_stime)};
}

struct Medians {
    Cost cost;
    static Medians of(const std::function<bool(int)>& work)
    {
        std::vector<double> wall, cpu;
        for (int round = 0; round < rounds; ++round) {
            const Cost one = cost_of([&] { return work(round); });
            wall.push_back(one.wall_ms);
            cpu.push_back(one.cpu_ms);
        }
        return {{median(wall), median(cpu)}};
    }
};

// Per-interface values of many interfaces are plain, independent integers.
std::vector<Tunable> some_sysctls(kernel::Kernel& kernel)
{
    std::vector<Tunable> found;
    const auto all = tunable::list(kernel);
    for (const Tunable& tunable : all.value_or(std::vector<Tunable>{})) {
        const auto* key = std::get_if<SysctlKey>(&tunable);
        const bool plain = key && key->name.starts_with("net.ipv4.conf.nwbench") &&
                           (key->name.ends_with(".log_martians") || key->name.ends_with(".arp_notify"));
        if (plain && found.size() < keys) found.push_back(tunable);
    }
    return found;
}

Plan plan_for(kernel::Kernel& kernel, const std::vector<Tunable>& tunables)
{
    Plan plan;
    for (const Tunable& tunable : tunables) {
        Change change;
        change.tunable = tunable;
        change.from = tunable::read(kernel, tunable).value_or(std::nullopt);
        change.to = Value{std::int64_t{1}};
        plan.changes.push_back(change);
    }
    return plan;
}

bool apply_once(const std::filesystem::path& state, const std::vector<Tunable>& tunables, apply::Guard guard)
{
    auto kernel = kernel::Kernel::live_in_namespace();
    auto journal = apply::Journal::open(state, apply::Access::Write);
    if (!kernel || !journal) return false;
    auto transaction = apply::Transaction::begin(*kernel, *journal, plan_for(*kernel, tunables), {.guard = guard});
    if (!transaction) fmt::print(stderr, "{}\n", transaction.error().what);
    if (!transaction || !transaction->apply()) return false;
    return transaction->keep().has_value(); // closed like a real one; the values are put back below, outside the time
}

void put_back(const std::vector<Tunable>& tunables)
{
    auto kernel = kernel::Kernel::live_in_namespace();
    for (const Tunable& tunable : tunables)
        (void)tunable::write(*kernel, tunable, Value{std::int64_t{0}});
}

// One write and sync of 4 KiB behind the other, as a commit does it.
double sync_ms(const std::filesystem::path& directory)
{
    const auto path = directory / "sync";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::string page(4096, 'x');
    std::vector<double> times;
    for (int i = 0; i < 50; ++i) {
        const auto start = std::chrono::steady_clock::now();
        if (::pwrite(file, page.data(), page.size(), i * 4096) < 0 || ::fsync(file) != 0) break;
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    ::close(file);
    std::filesystem::remove(path);
    return times.empty() ? 0 : median(times);
}

void print(const char* what, const Cost& cost)
{
    fmt::print("{:<52} wall {:8.2f} ms   cpu {:8.2f} ms\n", what, cost.wall_ms, cost.cpu_ms);
}

void print_syncs(const char* what, const Cost& on_disk, const Cost& in_memory, double one_sync)
{
    fmt::print("{:<52} {:8.2f} ms, about {:.0f} syncs of {:.2f} ms\n", what, on_disk.wall_ms - in_memory.wall_ms,
               (on_disk.wall_ms - in_memory.wall_ms) / one_sync, one_sync);
}

} // namespace

int main()
{
    if (::unshare(CLONE_NEWNET) != 0) {
        fmt::print(stderr, "apply_bench: run as root: it makes a network namespace of its own\n");
        return 1;
    }
    for (int i = 0; i < 50; i += 2)
        if (std::system(fmt::format("ip link add nwbench{} type veth peer name nwbench{}", i, i + 1).c_str()) != 0)
            return 1;
    auto kernel = kernel::Kernel::live_in_namespace();
    if (!kernel) return 1;
    const auto tunables = some_sysctls(*kernel);
    if (tunables.size() != keys) {
        fmt::print(stderr, "apply_bench: found {} keys instead of {}\n", tunables.size(), keys);
        return 1;
    }
    const auto scratch = [](const std::filesystem::path& below) {
        std::string name = (below / "netwright-bench-XXXXXX").string();
        return std::filesystem::path(::mkdtemp(name.data()));
    };
    const auto disk = scratch(std::filesystem::temp_directory_path());
    const auto memory = scratch("/dev/shm");
    std::ofstream list(memory / "bench.conf");
    for (const Tunable& tunable : tunables)
        list << to_text(tunable).substr(7) << " = 1\n";
    list.close();

    const auto netwright = [&](const std::filesystem::path& where, apply::Guard guard) {
        return Medians::of([&](int) {
                   put_back(tunables); // part of every arm alike
                   return apply_once(where / "state", tunables, guard);
               })
            .cost;
    };
    const Cost empty = Medians::of([&](int) {
                           put_back(tunables);
                           return true;
                       }).cost;
    const Cost peer =
        Medians::of([&](int) {
            put_back(tunables);
            return std::system(fmt::format("sysctl -q -p {}", (memory / "bench.conf").string()).c_str()) == 0;
        }).cost;
    const auto less = [&](const Cost& cost) { return Cost{cost.wall_ms - empty.wall_ms, cost.cpu_ms - empty.cpu_ms}; };
    const Cost in_memory = less(netwright(memory, apply::Guard::None));
    const Cost guarded = less(netwright(memory, apply::Guard::Watchdog));
    const Cost on_disk = less(netwright(disk, apply::Guard::None));
    const double one_sync = sync_ms(disk);

    fmt::print("{} sysctls, medians of {} rounds\n", keys, rounds);
    print("sysctl -p", less(peer));
    print("netwright: begin, apply, keep; no disk", in_memory);
    print("netwright: the same with a watchdog", guarded);
    print("netwright: begin, apply, keep; on the disk", on_disk);
    print_syncs("  of which the disk's", on_disk, in_memory, one_sync);
    fmt::print("target: at most 50 ms beyond the disk's sync time: {:.2f} ms, {:.1f} times sysctl -p's wall\n",
               guarded.wall_ms, guarded.wall_ms / less(peer).wall_ms);
    std::filesystem::remove_all(disk);
    std::filesystem::remove_all(memory);
    return 0;
}
