// SPDX-License-Identifier: GPL-2.0-or-later
// Dumps of the generic netlink family "netdev" (Documentation/netlink/specs/netdev.yaml). Its header,
// include/uapi/linux/netdev.h, is newer than Debian 12: whoever asks brings the numbers of commands and attributes.
#pragma once

#include "kernel/netlink.h"

#include <linux/genetlink.h>

#include <cstdint>
#include <span>
#include <vector>

namespace netwright::host {

// Every item that `command` tells of. Unsupported: this kernel has no such family (before 6.3).
template <class Item>
Result<std::vector<Item>> dump_netdev(kernel::Netlink& netlink, std::uint8_t command,
                                      Item (*parse)(std::span<const std::byte> attributes))
{
    constexpr std::uint8_t version = 1;
    kernel::Request question(TRY(netlink.family("netdev")), NLM_F_DUMP);
    question.header(genlmsghdr{command, version, 0});
    std::vector<Item> items;
    TRY_VOID(netlink.ask_whole(
        NETLINK_GENERIC, question,
        [&](const nlmsghdr& message) {
            if (const auto attributes = kernel::generic_attributes(message); !attributes.empty())
                items.push_back(parse(attributes));
        },
        [&] { items.clear(); }));
    return items;
}

} // namespace netwright::host
