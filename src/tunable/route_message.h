// SPDX-License-Identifier: GPL-2.0-or-later
// A route as the kernel shows it, kept whole: to write it back with one metric changed, nothing else may be lost.
#pragma once

#include "base/ip_prefix.h"
#include "kernel/netlink.h"

#include <linux/rtnetlink.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace netwright::tunable {

struct RouteMessage {
    rtmsg head{};
    IpPrefix destination;
    std::uint32_t table = 0, priority = 0, interface = 0; // interface 0: none, or several
    bool expires = false;
    std::map<std::uint16_t, std::vector<std::byte>> attributes; // but for RTA_METRICS; each stands once
    std::map<std::uint16_t, std::vector<std::byte>> metrics;    // RTAX_* → payload
};

// Nothing for another message, or a route of another family or with a destination that does not fit it.
std::optional<RouteMessage> parse_route_message(const nlmsghdr& message);

// The same route again: RTM_NEWROUTE with NLM_F_REPLACE and without NLM_F_CREATE, so that one which has gone meanwhile
// is not made anew. Unsupported, naming it, when it carries what could not be given back to the kernel.
Result<kernel::Request> replace_request(const RouteMessage& route);

// Every route of a family in a table; what the kernel makes for each address itself is in the table "local" (255).
Result<std::vector<RouteMessage>> routes_in(kernel::Netlink& netlink, bool ipv6, std::uint32_t table);

} // namespace netwright::tunable
