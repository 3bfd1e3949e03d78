// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the collectors, in one visible list; then, after the interval, those of the counters once more.
#include "host/collect.h"

#include "host/counter_sampler.h"
#include "host/growth.h"
#include "host/nic_sample.h"
#include "host/socket_owners.h"

#include <chrono>
#include <thread>

namespace netwright::host {
namespace {

std::string origin(const kernel::Files& files)
{
    if (files.is_live()) return "live";
    std::string directory = files.display("");
    if (directory.size() > 1) directory.pop_back(); // the separator
    return directory;
}

// The counters of one sample of /proc.
void take(Snapshot& snapshot, CounterSample&& sample)
{
    snapshot.softnet = std::move(sample.softnet);
    snapshot.protocols = std::move(sample.protocols);
    snapshot.cpu_times = std::move(sample.cpu_times);
    snapshot.softirqs = std::move(sample.softirqs);
    snapshot.interrupts = std::move(sample.interrupts);
    snapshot.pressure = std::move(sample.pressure);
    snapshot.sockstat = std::move(sample.sockstat);
}

// What is read once: settings, and the NICs with the first look at their counters.
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
    snapshot.drop_ins = collect_drop_ins(kernel);
    snapshot.nics = collect_nics(kernel);
    snapshot.addresses = collect_addresses(kernel);
    snapshot.routes = collect_routes(kernel);
    snapshot.rules = collect_rules(kernel);
}

// What netlink counts behind the NICs.
struct QueueCounters {
    Result<std::vector<Qdisc>> qdiscs = unseen();
    Result<Conntrack> conntrack = unseen();
    Result<std::vector<NeighbourTable>> neighbours = unseen();
};

QueueCounters sample_queues(kernel::Kernel& kernel)
{
    QueueCounters sample;
    sample.qdiscs = collect_qdiscs(kernel);
    sample.conntrack = collect_conntrack(kernel);
    sample.neighbours = collect_neighbours(kernel);
    return sample;
}

void grow_since(QueueCounters& now, const QueueCounters& earlier)
{
    host::grow_since(now.qdiscs, earlier.qdiscs);
    host::grow_since(now.conntrack, earlier.conntrack);
    host::grow_since(now.neighbours, earlier.neighbours);
}

void take(Snapshot& snapshot, QueueCounters&& sample)
{
    snapshot.qdiscs = std::move(sample.qdiscs);
    snapshot.conntrack = std::move(sample.conntrack);
    snapshot.neighbours = std::move(sample.neighbours);
}

// NICs keep their settings and get new totals. Where that fails, growth since an unknown time must not pass for it.
void resample(kernel::Kernel& kernel, Result<std::vector<Nic>>& nics)
{
    if (!nics) return;
    const auto sampled = resample_nics(kernel, *nics);
    if (sampled) return;
    for (Nic& nic : *nics)
        nic.statistics = nic.driver_statistics = std::unexpected(sampled.error());
}

void add_owners(kernel::Kernel& kernel, SocketSummary& sockets)
{
    auto owners = collect_connection_owners(kernel);
    if (!owners) {
        sockets.owners = std::unexpected(std::move(owners).error());
        return;
    }
    sockets.owners = std::move(owners->most);
    sockets.owners_through = std::move(owners->seen_through);
}

} // namespace

Snapshot collect(kernel::Kernel& kernel, const Options& options)
{
    // A captured tree stands still: a second look would pass for a quiet host.
    const bool twice = options.interval > std::chrono::milliseconds{0} && kernel.files.is_live();
    Snapshot snapshot;
    snapshot.tool = "netwright " NETWRIGHT_VERSION;
    snapshot.origin = origin(kernel.files);
    snapshot.taken = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    collect_state(kernel, snapshot);

    CounterSampler sampler(kernel);
    CounterSample sample = sampler.sample();
    QueueCounters queues = sample_queues(kernel);
    if (twice) {
        resample(kernel, snapshot.nics);
        const CounterSample first = std::move(sample);
        const QueueCounters first_queues = std::move(queues);
        std::this_thread::sleep_until(first.taken + options.interval);
        sample = sampler.sample();
        grow_since(sample, first);
        queues = sample_queues(kernel);
        grow_since(queues, first_queues);
        resample(kernel, snapshot.nics);
        snapshot.interval = std::chrono::round<std::chrono::milliseconds>(sample.taken - first.taken);
    }
    take(snapshot, std::move(sample));
    take(snapshot, std::move(queues));
    // Last, as of now: beside the counters that tell what happened to them.
    snapshot.sockets = collect_sockets(kernel);
    if (options.owners && snapshot.sockets) add_owners(kernel, *snapshot.sockets);
    snapshot.listening_processes = collect_limits(kernel, snapshot.sockets);
    return snapshot;
}

} // namespace netwright::host
