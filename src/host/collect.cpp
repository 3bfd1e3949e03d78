// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the collectors, in one visible list; then, after the interval, those of the counters once more.
#include "host/collect.h"

#include "host/counter_growth.h"

#include <chrono>
#include <thread>

namespace netwright::host {
namespace {

using Clock = std::chrono::steady_clock;

template <class T>
void grow(Result<T>& now, const Result<T>& earlier)
{
    if (now && earlier) grow_since(*now, *earlier);
}

void grow(Result<CounterTable>& now, const Result<CounterTable>& earlier)
{
    if (now && earlier) now->grow_since(*earlier);
}

std::string origin(const kernel::Files& files)
{
    if (files.is_live()) return "live";
    std::string directory = files.display("");
    if (directory.size() > 1) directory.pop_back(); // the separator
    return directory;
}

// The counters of /proc. Host-wide ones first: they move most while the others are read.
void sample_counters(const kernel::Kernel& kernel, Snapshot& snapshot)
{
    snapshot.softnet = collect_softnet(kernel);
    snapshot.protocols = collect_protocols(kernel);
    snapshot.cpu_times = collect_cpu_times(kernel);
    snapshot.softirqs = collect_softirqs(kernel);
    snapshot.interrupts = collect_interrupts(kernel);
    snapshot.pressure = collect_pressure(kernel);
}

// What does not count: read once.
void collect_state(kernel::Kernel& kernel, Snapshot& snapshot)
{
    snapshot.kernel = collect_kernel_facts(kernel);
    snapshot.surroundings = collect_surroundings(kernel);
    snapshot.topology = collect_topology(kernel);
    snapshot.memory = collect_memory(kernel);
    snapshot.sysctls = collect_sysctls(kernel);
    snapshot.sysctl_files = collect_sysctl_files(kernel);
    snapshot.files = collect_files(kernel);
    snapshot.services = collect_services(kernel);
}

// The counters again, with their growth since the snapshot's first sample.
void sample_again(const kernel::Kernel& kernel, Snapshot& snapshot)
{
    Snapshot second;
    sample_counters(kernel, second);
    grow(second.softnet, snapshot.softnet);
    grow(second.protocols, snapshot.protocols);
    grow(second.cpu_times, snapshot.cpu_times);
    grow(second.softirqs, snapshot.softirqs);
    grow(second.interrupts, snapshot.interrupts);
    grow_since(second.pressure, snapshot.pressure);
    snapshot.softnet = std::move(second.softnet);
    snapshot.protocols = std::move(second.protocols);
    snapshot.cpu_times = std::move(second.cpu_times);
    snapshot.softirqs = std::move(second.softirqs);
    snapshot.interrupts = std::move(second.interrupts);
    snapshot.pressure = std::move(second.pressure);
}

} // namespace

Snapshot collect(kernel::Kernel& kernel, const Options& options)
{
    Snapshot snapshot;
    snapshot.tool = "netwright " NETWRIGHT_VERSION;
    snapshot.origin = origin(kernel.files);
    snapshot.taken = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());

    const Clock::time_point first = Clock::now();
    sample_counters(kernel, snapshot);
    collect_state(kernel, snapshot);
    // A captured tree stands still: a second look would pass for a quiet host.
    if (options.interval > std::chrono::milliseconds{0} && kernel.files.is_live()) {
        std::this_thread::sleep_until(first + options.interval);
        snapshot.interval = std::chrono::round<std::chrono::milliseconds>(Clock::now() - first);
        sample_again(kernel, snapshot);
    }
    snapshot.sockstat = collect_sockstat(kernel);
    return snapshot;
}

} // namespace netwright::host
