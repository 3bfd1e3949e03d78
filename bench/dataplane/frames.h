// SPDX-License-Identifier: GPL-2.0-or-later
// Frames to feed: 64 bytes of IPv4, 80 of IPv6, from a source that the feeder fills in.
#pragma once

#include <cstdint>
#include <vector>

namespace netwright::dataplane_bench {

using Frame = std::vector<std::uint8_t>;

// To 192.0.2.0 (VIPs are told apart by the last byte), from port 40000.
Frame tcp4(std::uint8_t flags, std::uint16_t port);
Frame udp4(std::uint16_t port);
// To 2001:db8::, from 2001:db8:1::.
Frame tcp6(std::uint8_t flags, std::uint16_t port);
// From 16.0.0.1 with the options of a Linux client (40 bytes of TCP header) and right checksums: a SYN that may be
// answered.
Frame whole_syn4(std::uint16_t port);

inline constexpr std::uint8_t syn = 2, ack = 16;

} // namespace netwright::dataplane_bench
