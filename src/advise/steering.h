// SPDX-License-Identifier: GPL-2.0-or-later
// Steering in software, computed from the topology: which queue a CPU sends through (XPS), which CPUs help a receive
// queue (RPS), how many flows can be followed to their application (RFS).
// Documentation/networking/scaling.rst says what each does; here is how much of it.
#pragma once

#include "advise/placement.h"

#include <cstdint>
#include <vector>

namespace netwright::advise {

// XPS: one set of CPUs a transmit queue, given the CPU that takes each queue's interrupt. Every online CPU is in
// exactly one set: its own queue's; else that of its core, of its node, of any, those with the fewest CPUs first.
std::vector<CpuSet> transmit_sets(const Topology& topology, const std::vector<unsigned>& queue_cpus);

// RPS: the CPUs that should share the work of `queues` hardware receive queues. Empty: leave RPS off, because the
// hardware's own hash reaches every near CPU that may be used, or because there is only one.
CpuSet receive_helpers(const PlacementQuestion& question, std::size_t queues);

// RFS: the host's table holds every flow that is active at a time, in a power of two; each queue of the NIC has its
// share (scaling.rst, "RFS Configuration").
struct FlowTableSizes {
    std::int64_t host = 0;      // net.core.rps_sock_flow_entries
    std::int64_t per_queue = 0; // rps_flow_cnt
    bool operator==(const FlowTableSizes&) const = default;
};
FlowTableSizes flow_table_sizes(std::uint64_t connections, std::size_t queues);

} // namespace netwright::advise
