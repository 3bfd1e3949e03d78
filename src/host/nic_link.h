// SPDX-License-Identifier: GPL-2.0-or-later
// What one RTM_GETLINK dump tells of every interface, counters included.
#pragma once

#include "kernel/kernel.h"
#include "model/nic.h"

#include <optional>
#include <vector>

namespace netwright::host {

// Every interface of the namespace in the kernel's order; members that need other questions stay unseen.
Result<std::vector<Nic>> collect_links(kernel::Netlink& netlink);
// One RTM_NEWLINK message; nothing if it is another message, too short or has no name.
std::optional<Nic> parse_link(const nlmsghdr& message);
// The payload of IFLA_STATS64. Older kernels send fewer counters: those are not in the table.
CounterTable parse_link_statistics(std::span<const std::byte> payload);

} // namespace netwright::host
