// SPDX-License-Identifier: GPL-2.0-or-later
// The parser behind collect_neighbours.
#pragma once

#include "host/stat_table.h"
#include "kernel/netlink.h"
#include "model/network.h"

#include <optional>

namespace netwright::host {

// One RTM_NEWNEIGHTBL message about a whole table; nothing for those about one interface's parameters.
std::optional<NeighbourTable> parse_neighbour_table(const nlmsghdr& message);
// The counters of /proc/net/stat/{arp_cache,ndisc_cache}; entries too, which each line repeats.
void read_neighbour_counters(NeighbourTable& table, const StatTable& stat);

} // namespace netwright::host
