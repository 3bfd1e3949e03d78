// SPDX-License-Identifier: GPL-2.0-or-later
// Which CPU should serve which queue. One pure function; rules and commands ask it, nobody else decides.
//
// The order of wishes, each only where the ones before it leave a choice:
//   1. a CPU that may be used at all: online, not isolated, not nohz_full, in our cpuset;
//   2. the CPU with the fewest queues of this NIC, so that they spread evenly;
//   3. a CPU of the NIC's own node: a far one gets its first queue when every near one has one;
//   4. a core whose hyper-threads serve no queue of this NIC: they share the caches and the execution units;
//   5. a CPU, then a core, that serves the fewest queues of other NICs;
//   6. the lowest number.
// A queue's receive and transmit vectors go together: what one touches, the other finds in the cache.
#pragma once

#include "advise/vector_name.h"
#include "base/cpu_set.h"
#include "model/host.h"

#include <vector>

namespace netwright::advise {

struct PlacementQuestion {
    const Topology& topology;
    CpuSet near;                     // the CPUs of the NIC's node; empty: every CPU is equally far
    CpuSet usable;                   // see usable_cpus()
    std::vector<unsigned> elsewhere; // CPUs that serve queues of other NICs, one entry a queue
};

std::size_t queue_count(const std::vector<QueueVector>& vectors); // the highest queue, counted from 1
// Online CPUs that interrupts may go to: not isolated, not nohz_full, in the cpuset of this process. Empty: none.
CpuSet usable_cpus(const Topology& topology);
// The question for one NIC of a host, with what its other NICs occupy.
PlacementQuestion question_for(const Nic& nic, const std::vector<Nic>& all, const Topology& topology);

// A CPU for each of `queues` queues, by number. Rejected: no CPU may be used.
Result<std::vector<unsigned>> place(const PlacementQuestion& question, std::size_t queues);

struct Seat {
    unsigned irq = 0;
    unsigned cpu = 0;
    bool operator==(const Seat&) const = default;
};
// A seat for every vector, in the order of `vectors`.
Result<std::vector<Seat>> place(const PlacementQuestion& question, const std::vector<QueueVector>& vectors);

} // namespace netwright::advise
