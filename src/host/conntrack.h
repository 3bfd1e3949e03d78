// SPDX-License-Identifier: GPL-2.0-or-later
// The parsers behind collect_conntrack.
#pragma once

#include "host/stat_table.h"
#include "kernel/netlink.h"
#include "model/network.h"

#include <optional>
#include <vector>

namespace netwright::host {

// One CPU for each line of /proc/net/stat/nf_conntrack, which has one for each CPU that may ever exist, in order.
std::vector<ConntrackCpu> conntrack_cpus(const StatTable& stat);
// One answer to IPCTNL_MSG_CT_GET_STATS_CPU; nothing for another message.
std::optional<ConntrackCpu> parse_conntrack_cpu(const nlmsghdr& message);

} // namespace netwright::host
