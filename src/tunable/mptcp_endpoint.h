// SPDX-License-Identifier: GPL-2.0-or-later
// An endpoint of Multipath TCP between `ip mptcp`'s words and the kernel's message.
#pragma once

#include "base/ip_prefix.h"
#include "kernel/netlink.h"

#include <cstdint>
#include <optional>
#include <string>

namespace netwright::tunable {

struct MptcpEndpoint {
    IpPrefix address;
    std::uint32_t flags = 0; // MPTCP_PM_ADDR_FLAG_*
    std::optional<std::uint8_t> id;
    std::uint32_t interface = 0; // index; 0: any
    std::uint16_t port = 0;
};

// An answer to MPTCP_PM_CMD_GET_ADDR; nothing without an address.
std::optional<MptcpEndpoint> parse_mptcp_endpoint(const nlmsghdr& message);
// "subflow backup dev eth0 id 2". Rejected: unknown words, an interface that is not here.
Result<MptcpEndpoint> parse_mptcp_words(const IpPrefix& address, std::string_view text);
std::string to_text(const MptcpEndpoint& endpoint);
void put_mptcp_endpoint(kernel::Request& request, const MptcpEndpoint& endpoint);

} // namespace netwright::tunable
