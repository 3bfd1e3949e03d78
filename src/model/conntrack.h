// SPDX-License-Identifier: GPL-2.0-or-later
// Sums over the CPUs' parts of connection tracking's counters, and what they mean together.
#pragma once

#include "model/network.h"

namespace netwright {

Result<Counter> sum(const Conntrack& table, Counter ConntrackCpu::* column);

// Packets dropped for want of room. The kernel's `drop` also counts those that address translation could not place:
// such a packet counts as insert_failed too, and the table may be nearly empty (net/netfilter/nf_conntrack_core.c
// nf_ct_resolve_clash()). A table that is full now explains them all.
Result<Counter> dropped_for_room(const Conntrack& table);

} // namespace netwright
