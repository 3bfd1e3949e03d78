// SPDX-License-Identifier: GPL-2.0-or-later
// Steering as docs/steer.md describes it, written for reading: which class a frame belongs to.
#pragma once

#include "dataplane/steer_policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace netwright::reference {

using Frame = std::span<const std::uint8_t>;

struct SeenPacket {
    bool ipv6 = false;
    std::array<std::uint8_t, 16> source{}, destination{};
    std::uint8_t protocol = 0, dscp = 0;
    std::optional<std::size_t> transport; // where it begins; nothing: later fragments, and chains without end
    std::optional<std::uint16_t> source_port, destination_port;
    std::optional<std::size_t> payload;
};

inline std::optional<unsigned> half(Frame frame, std::size_t at)
{
    if (at + 2 > frame.size()) return std::nullopt;
    return static_cast<unsigned>(frame[at] << 8 | frame[at + 1]);
}

inline void see_ipv6_chain(Frame frame, SeenPacket& seen)
{
    constexpr std::array<std::uint8_t, 8> extensions{0, 43, 44, 51, 60, 135, 139, 140};
    const auto is_extension = [&] { return std::ranges::find(extensions, seen.protocol) != extensions.end(); };
    for (int i = 0; i < 6 && seen.transport && is_extension(); ++i) {
        const std::size_t at = *seen.transport;
        if (at + 4 > frame.size()) {
            seen.transport.reset();
            return;
        }
        const std::uint8_t kind = seen.protocol;
        const std::size_t size = kind == 44 ? 8U : kind == 51 ? (frame[at + 1] + 2U) * 4 : (frame[at + 1] + 1U) * 8;
        seen.protocol = frame[at];
        seen.transport = at + size;
        if (kind == 44 && (half(frame, at + 2).value_or(0) & 0xfff8)) seen.transport.reset();
    }
    if (is_extension()) seen.transport.reset();
}

inline void see_transport(Frame frame, SeenPacket& seen)
{
    if (!seen.transport || (seen.protocol != 6 && seen.protocol != 17)) return;
    const std::size_t at = *seen.transport;
    if (at + 4 > frame.size()) return;
    seen.source_port = static_cast<std::uint16_t>(half(frame, at).value_or(0));
    seen.destination_port = static_cast<std::uint16_t>(half(frame, at + 2).value_or(0));
    if (seen.protocol == 17) seen.payload = at + 8;
    if (seen.protocol == 6 && at + 12 < frame.size()) seen.payload = at + (frame[at + 12] >> 4) * 4U;
}

// Nothing: no IP, or its header ends too early.
inline std::optional<SeenPacket> see(Frame frame)
{
    std::size_t at = 12;
    auto type = half(frame, at);
    for (int tags = 0; tags < 2 && (type == 0x8100U || type == 0x88a8U); ++tags)
        type = half(frame, at += 4);
    at += 2;
    SeenPacket seen;
    seen.ipv6 = type == 0x86ddU;
    const std::size_t size = seen.ipv6 ? 40 : 20;
    if ((type != 0x0800U && !seen.ipv6) || at + size > frame.size()) return std::nullopt;
    const Frame header = frame.subspan(at);
    if (header[0] >> 4 != (seen.ipv6 ? 6 : 4) || (!seen.ipv6 && (header[0] & 15) < 5)) return std::nullopt;
    const std::size_t width = seen.ipv6 ? 16 : 4, addresses = seen.ipv6 ? 8 : 12;
    std::copy_n(header.begin() + static_cast<std::ptrdiff_t>(addresses), width, seen.source.begin());
    std::copy_n(header.begin() + static_cast<std::ptrdiff_t>(addresses + width), width, seen.destination.begin());
    const unsigned traffic_class = seen.ipv6 ? (half(header, 0).value_or(0) >> 4 & 255U) : header[1];
    seen.dscp = static_cast<std::uint8_t>(traffic_class >> 2);
    seen.protocol = header[seen.ipv6 ? 6 : 9];
    seen.transport = at + (seen.ipv6 ? 40U : (header[0] & 15U) * 4U);
    if (!seen.ipv6 && (half(header, 6).value_or(0) & 0x1fff)) seen.transport.reset();
    if (seen.ipv6) see_ipv6_chain(frame, seen);
    see_transport(frame, seen);
    return seen;
}

inline bool holds(const std::vector<dataplane::Prefix>& prefixes, bool ipv6,
                  const std::array<std::uint8_t, 16>& address)
{
    return prefixes.empty() ||
           std::ranges::any_of(prefixes, [&](const dataplane::Prefix& one) { return one.holds(ipv6, address); });
}

inline bool holds(const std::vector<dataplane::Range>& ranges, std::optional<std::uint16_t> port)
{
    return ranges.empty() || (port && std::ranges::any_of(ranges, [&](const dataplane::Range& range) {
                                  return range.first <= *port && *port <= range.last;
                              }));
}

inline bool holds(const std::optional<dataplane::SteerPayload>& wanted, Frame frame, const SeenPacket& seen)
{
    if (!wanted) return true;
    if (!seen.payload || *seen.payload + wanted->at + wanted->bytes.size() > frame.size()) return false;
    return std::ranges::equal(frame.subspan(*seen.payload + wanted->at, wanted->bytes.size()), wanted->bytes,
                              [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
}

inline bool belongs(const dataplane::SteerClass& one, Frame frame, const SeenPacket& seen)
{
    return (!one.family || (*one.family == 6) == seen.ipv6) &&
           (one.protocols.empty() || std::ranges::find(one.protocols, seen.protocol) != one.protocols.end()) &&
           holds(one.from, seen.ipv6, seen.source) && holds(one.to, seen.ipv6, seen.destination) &&
           holds(one.source_ports, seen.source_port) && holds(one.destination_ports, seen.destination_port) &&
           (one.dscps.none() || one.dscps.test(seen.dscp)) && holds(one.payload, frame, seen);
}

// The name of the frame's class on that side; "" if it has none.
inline std::string class_of(const dataplane::SteerPolicy& policy, dataplane::TcSide side, Frame frame)
{
    const auto seen = see(frame);
    if (!seen) return "";
    for (const dataplane::SteerClass& one : policy.classes)
        if (one.side == side && belongs(one, frame, *seen)) return one.name;
    return "";
}

} // namespace netwright::reference
