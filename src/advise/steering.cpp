// SPDX-License-Identifier: GPL-2.0-or-later
// The arithmetic of XPS, RPS and RFS.
#include "advise/steering.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace netwright::advise {
namespace {

const Cpu& described(const Topology& topology, unsigned number, Cpu& spare)
{
    const auto found = std::ranges::find(topology.cpus, number, &Cpu::number);
    if (found != topology.cpus.end()) return *found;
    spare.number = number;
    return spare;
}

// How far a CPU is from the CPU behind a queue: itself, its core, its node, elsewhere.
int distance(const Topology& topology, unsigned from, unsigned to)
{
    if (from == to) return 0;
    Cpu spare_from, spare_to;
    const Cpu& here = described(topology, from, spare_from);
    const Cpu& there = described(topology, to, spare_to);
    if (here.siblings.contains(to)) return 1;
    return here.node == there.node ? 2 : 3;
}

} // namespace

std::vector<CpuSet> transmit_sets(const Topology& topology, const std::vector<unsigned>& queue_cpus)
{
    std::vector<CpuSet> sets(queue_cpus.size());
    if (sets.empty()) return sets;
    std::vector<std::size_t> load(sets.size());
    const auto join = [&](unsigned cpu, std::size_t queue) {
        sets[queue].add(cpu);
        ++load[queue];
    };
    CpuSet left;
    for (const unsigned cpu : topology.online.members()) {
        const auto own = std::ranges::find(queue_cpus, cpu);
        if (own == queue_cpus.end()) {
            left.add(cpu);
        } else {
            join(cpu, static_cast<std::size_t>(own - queue_cpus.begin()));
        }
    }
    for (const unsigned cpu : left.members()) {
        std::size_t best = 0;
        const auto key = [&](std::size_t queue) {
            return std::tuple(distance(topology, cpu, queue_cpus[queue]), load[queue], queue);
        };
        for (std::size_t queue = 1; queue < sets.size(); ++queue)
            if (key(queue) < key(best)) best = queue;
        join(cpu, best);
    }
    return sets;
}

CpuSet receive_helpers(const PlacementQuestion& question, std::size_t queues)
{
    const CpuSet near = question.near.empty() ? question.usable : question.usable & question.near;
    const CpuSet& helpers = near.empty() ? question.usable : near;
    return queues >= helpers.count() ? CpuSet{} : helpers;
}

FlowTableSizes flow_table_sizes(std::uint64_t connections, std::size_t queues)
{
    // The smallest that scaling.rst suggests for a moderately loaded server, and what a mask of 2^29 entries may be
    // asked for at most (net/core/sysctl_net_core.c, rps_sock_flow_sysctl).
    constexpr std::uint64_t least = 32'768, most = 1U << 24;
    const std::uint64_t host = std::bit_ceil(std::clamp(connections, least, most));
    const std::uint64_t share = host / std::bit_ceil(std::max<std::uint64_t>(queues, 1));
    return {static_cast<std::int64_t>(host), static_cast<std::int64_t>(std::max<std::uint64_t>(share, 1))};
}

} // namespace netwright::advise
