// SPDX-License-Identifier: GPL-2.0-or-later
// A policy routing rule between ip's words and the kernel's message.
#pragma once

#include "base/ip_prefix.h"
#include "kernel/netlink.h"

#include <cstdint>
#include <optional>
#include <string>

namespace netwright::tunable {

struct Rule {
    bool is_ipv6 = false;
    std::uint32_t priority = 0, table = 0, mark = 0;
    std::optional<IpPrefix> from, to;
    std::string input, output; // interfaces
    std::string foreign;       // what stands in the rule and could not be made again; "": nothing
};

// Nothing for another message or family.
std::optional<Rule> parse_rule_message(const nlmsghdr& message);
// "from 192.0.2.10 lookup 210"; also to, iif, oif, fwmark. Rejected: other words, no table, a table of the kernel's.
Result<Rule> parse_rule_text(std::string_view text, bool is_ipv6);
std::string to_text(const Rule& rule); // without the priority
// RTM_NEWRULE or RTM_DELRULE.
kernel::Request rule_request(std::uint16_t type, const Rule& rule, std::uint32_t priority);

} // namespace netwright::tunable
