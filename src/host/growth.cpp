// SPDX-License-Identifier: GPL-2.0-or-later
// Pairing two samples.
#include "host/growth.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace netwright::host {
namespace {

void grow_u64(Counter& now, const Counter& earlier) { now.growth = growth_u64(earlier.total, now.total); }
void grow_u32(Counter& now, const Counter& earlier) { now.growth = growth_u32(earlier.total, now.total); }

// A name may have changed hands between the samples; the index tells (it is not given out twice in a namespace's life).
void grow(Nic& now, const Nic& earlier)
{
    if (now.index != earlier.index) return;
    if (now.carrier_changes && earlier.carrier_changes) grow_u64(*now.carrier_changes, *earlier.carrier_changes);
    if (now.statistics && earlier.statistics) now.statistics->grow_since(*earlier.statistics);
    if (now.driver_statistics && earlier.driver_statistics)
        now.driver_statistics->grow_since(*earlier.driver_statistics);
}

auto identity(const Qdisc& qdisc) { return std::tie(qdisc.nic, qdisc.parent, qdisc.handle, qdisc.kind); }

void grow(Qdisc& now, const Qdisc& earlier)
{
    grow_u64(now.bytes, earlier.bytes);
    grow_u64(now.packets, earlier.packets);
    // A qdisc that was replaced by one of the same handle began at 0; only then do its bytes go back.
    if (now.bytes.total < earlier.bytes.total) return;
    grow_u32(now.drops, earlier.drops); // struct gnet_stats_queue counts these in 32 bits
    grow_u32(now.overlimits, earlier.overlimits);
    grow_u32(now.requeues, earlier.requeues);
    if (now.details && earlier.details) now.details->grow_since(*earlier.details);
}

// The columns of /proc/net/stat/nf_conntrack are unsigned int (struct ip_conntrack_stat).
void grow(ConntrackCpu& now, const ConntrackCpu& earlier)
{
    for (Counter ConntrackCpu::* const member :
         {&ConntrackCpu::invalid, &ConntrackCpu::insert, &ConntrackCpu::insert_failed, &ConntrackCpu::drop,
          &ConntrackCpu::early_drop, &ConntrackCpu::error, &ConntrackCpu::search_restart, &ConntrackCpu::clash_resolve,
          &ConntrackCpu::chain_too_long})
        grow_u32(now.*member, earlier.*member);
}

void grow(NeighbourTable& now, const NeighbourTable& earlier)
{
    grow_u64(now.table_fulls, earlier.table_fulls);
    grow_u64(now.unresolved_discards, earlier.unresolved_discards);
    grow_u64(now.resolve_failed, earlier.resolve_failed);
    grow_u64(now.forced_gc_runs, earlier.forced_gc_runs);
}

} // namespace

void grow_since(std::vector<Nic>& now, const std::vector<Nic>& earlier)
{
    std::unordered_map<std::string_view, const Nic*> before;
    for (const Nic& nic : earlier)
        before.emplace(nic.name, &nic);
    for (Nic& nic : now)
        if (const auto found = before.find(nic.name); found != before.end()) grow(nic, *found->second);
}

void grow_since(std::vector<Qdisc>& now, const std::vector<Qdisc>& earlier)
{
    std::vector<const Qdisc*> before;
    for (const Qdisc& qdisc : earlier)
        before.push_back(&qdisc);
    const auto key = [](const Qdisc* qdisc) { return identity(*qdisc); };
    std::ranges::stable_sort(before, {}, key);
    for (Qdisc& qdisc : now) {
        const auto found = std::ranges::lower_bound(before, identity(qdisc), {}, key);
        if (found != before.end() && identity(**found) == identity(qdisc)) grow(qdisc, **found);
    }
}

void grow_since(Conntrack& now, const Conntrack& earlier)
{
    if (!now.cpus || !earlier.cpus) return;
    for (ConntrackCpu& cpu : *now.cpus) {
        const auto found = std::ranges::find(*earlier.cpus, cpu.cpu, &ConntrackCpu::cpu);
        if (found != earlier.cpus->end()) grow(cpu, *found);
    }
}

void grow_since(std::vector<NeighbourTable>& now, const std::vector<NeighbourTable>& earlier)
{
    for (NeighbourTable& table : now) {
        const auto found = std::ranges::find(earlier, table.family, &NeighbourTable::family);
        if (found != earlier.end()) grow(table, *found);
    }
}

} // namespace netwright::host
