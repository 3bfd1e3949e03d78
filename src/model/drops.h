// SPDX-License-Identifier: GPL-2.0-or-later
// Packets the kernel threw away while we looked, by its own reasons (tracepoint skb:kfree_skb, reasons since 5.17).
#pragma once

#include "base/error.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace netwright {

struct DropCount {
    std::string reason;     // the kernel's name without its prefix: "NO_SOCKET"; "reason#131" where it has no name
    std::string location;   // the kernel function that let go of the packet; "" where symbols cannot be read
    std::string protocol;   // "tcp", "udp", "icmp", "icmpv6", "arp", or "" for anything else
    std::uint16_t port = 0; // destination port of TCP and UDP
    std::string nic;        // the interface the packet was on; "" for none
    std::uint64_t packets = 0;
    bool operator==(const DropCount&) const = default;
};

struct DropReport {
    std::vector<DropCount> drops; // of this network namespace, most packets first
    std::uint64_t elsewhere = 0;  // drops of other network namespaces
    std::uint64_t unplaced = 0;   // drops whose namespace could not be told: neither device nor socket
    std::uint64_t lost = 0;       // drops that found the table full: they are in none of the numbers above
    bool operator==(const DropReport&) const = default;
};

} // namespace netwright
