// SPDX-License-Identifier: GPL-2.0-or-later
// What the filter must answer, written a second time from the policy and the standards, with vectors and loops instead
// of tables and tricks. Limits are not part of it: they depend on time.
#pragma once

#include "dataplane/filter_image.h"
#include "dataplane/filter_live.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace netwright::dataplane::reference {

using Bytes = std::span<const std::uint8_t>;

struct Packet {
    bool ipv6 = false, transport_known = false;
    std::uint32_t odd = 0, length = 0;
    unsigned ttl = 0, protocol = 0, fragment = 0;
    std::array<std::uint8_t, 16> source{}, destination{};
    std::optional<unsigned> source_port, destination_port, icmp, tcp_flags;
    void note(filter_odd odd_kind) { odd |= 1U << odd_kind; }
};

inline unsigned be16(Bytes bytes, std::size_t at) { return bytes[at] * 256U + bytes[at + 1]; }

inline bool fast_open(Bytes options)
{
    while (options.size() >= 2) {
        const unsigned kind = options[0];
        if (kind == 0) return false;
        if (kind == 34) return true;
        if (kind == 1) {
            options = options.subspan(1);
            continue;
        }
        if (kind == 254 && options.size() >= 4 && options[2] == 0xf9 && options[3] == 0x89) return true;
        if (options[1] < 2 || options[1] > options.size()) return false;
        options = options.subspan(options[1]);
    }
    return false;
}

inline void tcp(Packet& packet, Bytes bytes)
{
    if (bytes.size() < 20) return packet.note(packet.fragment ? ODD_TINY_FRAGMENT : ODD_TRUNCATED);
    packet.source_port = be16(bytes, 0);
    packet.destination_port = be16(bytes, 2);
    const unsigned header = (bytes[12] >> 4) * 4U, flags = bytes[13];
    packet.tcp_flags = flags;
    const bool fin = flags & 1, syn = flags & 2, rst = flags & 4, psh = flags & 8, ack = flags & 16, urg = flags & 32;
    if (header < 20) packet.note(ODD_TCP_HEADER);
    if (header > bytes.size()) packet.note(packet.fragment ? ODD_TINY_FRAGMENT : ODD_TCP_HEADER);
    if (!fin && !syn && !rst && !psh && !ack && !urg) packet.note(ODD_TCP_NULL);
    if (fin && psh && urg) packet.note(ODD_TCP_XMAS);
    if (syn && fin) packet.note(ODD_TCP_SYN_FIN);
    if (syn && rst) packet.note(ODD_TCP_SYN_RST);
    if (fin && !ack) packet.note(ODD_TCP_FIN_ONLY);
    if (*packet.source_port == 0 || *packet.destination_port == 0) packet.note(ODD_PORT_ZERO);
    if (syn && !ack && header >= 20 && bytes.size() > header && !fast_open(bytes.subspan(20, header - 20)))
        packet.note(ODD_TCP_SYN_PAYLOAD);
}

inline void udp(Packet& packet, Bytes bytes)
{
    if (bytes.size() < 8) return packet.note(packet.fragment ? ODD_TINY_FRAGMENT : ODD_TRUNCATED);
    packet.source_port = be16(bytes, 0);
    packet.destination_port = be16(bytes, 2);
    const unsigned length = be16(bytes, 4);
    if (length < 8 || (length > bytes.size() && !packet.fragment)) packet.note(ODD_UDP_LENGTH);
    if (*packet.destination_port == 0) packet.note(ODD_PORT_ZERO);
}

inline void icmp(Packet& packet, Bytes bytes)
{
    if (packet.fragment) packet.note(ODD_ICMP_FRAGMENT);
    if (packet.fragment == 2) return;
    if (bytes.size() < 8) return packet.note(packet.fragment ? ODD_TINY_FRAGMENT : ODD_TRUNCATED);
    packet.icmp = be16(bytes, 0);
}

inline void transport(Packet& packet, Bytes bytes)
{
    if (packet.protocol == (packet.ipv6 ? 58U : 1U)) icmp(packet, bytes);
    if (packet.fragment == 2) return;
    if (packet.protocol == 6) tcp(packet, bytes);
    if (packet.protocol == 17) udp(packet, bytes);
}

inline void fragment(Packet& packet, unsigned offset, bool more, std::size_t carried)
{
    if (offset == 0 && !more) return;
    packet.fragment = offset == 0 ? 1 : 2;
    packet.note(ODD_FRAGMENT);
    if (offset > 0 && offset < 20 && packet.protocol == 6) packet.note(ODD_FRAGMENT_OVERLAP);
    if (offset + carried > 65535) packet.note(ODD_FRAGMENT_OVERSIZE);
}

inline void ipv4(Packet& packet, Bytes bytes)
{
    if (bytes.size() < 20) return packet.note(ODD_TRUNCATED);
    const unsigned header = (bytes[0] & 15) * 4U;
    packet.length = be16(bytes, 2);
    packet.ttl = bytes[8];
    packet.protocol = bytes[9];
    std::ranges::copy(bytes.subspan(12, 4), packet.source.begin());
    std::ranges::copy(bytes.subspan(16, 4), packet.destination.begin());
    if (packet.source == packet.destination) packet.note(ODD_LAND);
    const bool dhcp = packet.source == std::array<std::uint8_t, 16>{} &&
                      packet.destination == std::array<std::uint8_t, 16>{255, 255, 255, 255};
    const unsigned top = packet.source[0];
    if (((top == 0 && !dhcp) || top == 127 || top >= 224)) packet.note(ODD_BOGON_SOURCE);
    if (header > 20) packet.note(ODD_IPV4_OPTIONS);
    bool readable = true;
    if (bytes[0] >> 4 != 4) packet.note(ODD_IP_VERSION), readable = false;
    if (header < 20) packet.note(ODD_IP_HEADER), readable = false;
    if (packet.length > bytes.size() || packet.length < header) packet.note(ODD_IP_LENGTH), readable = false;
    if (!readable) return;
    const Bytes payload = bytes.subspan(header, packet.length - header);
    fragment(packet, (be16(bytes, 6) & 0x1fff) * 8, (bytes[6] & 0x20) != 0, payload.size());
    transport(packet, payload);
}

inline void ipv6_addresses(Packet& packet)
{
    const auto& from = packet.source;
    const auto zeros = [&](std::size_t count) {
        return std::all_of(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count),
                           [](std::uint8_t byte) { return byte == 0; });
    };
    if (packet.source == packet.destination) packet.note(ODD_LAND);
    if (from[0] == 0xff) packet.note(ODD_BOGON_SOURCE);
    if (zeros(10) && from[10] == 0xff && from[11] == 0xff) packet.note(ODD_BOGON_SOURCE);
    if (zeros(15) && from[15] == 1) packet.note(ODD_BOGON_SOURCE);
    if (zeros(16) && packet.destination[0] != 0xff) packet.note(ODD_BOGON_SOURCE);
}

inline void ipv6(Packet& packet, Bytes bytes)
{
    packet.ipv6 = true;
    if (bytes.size() < 40) return packet.note(ODD_TRUNCATED);
    const unsigned payload = be16(bytes, 4);
    packet.length = std::min(payload + 40, 65535U);
    packet.ttl = bytes[7];
    packet.protocol = bytes[6];
    std::ranges::copy(bytes.subspan(8, 16), packet.source.begin());
    std::ranges::copy(bytes.subspan(24, 16), packet.destination.begin());
    ipv6_addresses(packet);
    if (bytes[0] >> 4 != 6) packet.note(ODD_IP_VERSION);
    if (payload + 40 > bytes.size()) packet.note(ODD_IP_LENGTH);
    if (bytes[0] >> 4 != 6 || payload + 40 > bytes.size()) return;
    Bytes rest = bytes.subspan(40, payload);
    constexpr std::array<unsigned, 8> extensions{0, 43, 44, 51, 60, 135, 139, 140};
    for (unsigned walked = 0; std::ranges::find(extensions, packet.protocol) != extensions.end(); ++walked) {
        if (packet.fragment == 2) return;
        if (walked == 6) return packet.note(ODD_IPV6_HEADERS);
        const unsigned kind = packet.protocol;
        const auto cut = packet.fragment ? ODD_TINY_FRAGMENT : ODD_TRUNCATED;
        if (rest.size() < 8) return packet.note(cut);
        const unsigned size = kind == 44 ? 8 : kind == 51 ? (rest[1] + 2U) * 4 : (rest[1] + 1U) * 8;
        if (size > rest.size()) return packet.note(cut);
        if (kind == 43 && rest[2] == 0) packet.note(ODD_ROUTING_HEADER_0);
        packet.protocol = rest[0];
        if (kind == 44) fragment(packet, be16(rest, 2) & 0xfff8, rest[3] & 1, rest.size() - 8);
        rest = rest.subspan(size);
    }
    transport(packet, rest);
}

// Nothing: the frame carries no IP.
inline std::optional<Packet> look(Bytes frame)
{
    Packet packet;
    if (frame.size() < 14) return std::nullopt;
    std::size_t at = 12;
    for (int tags = 0; tags < 2 && (be16(frame, at) == 0x8100 || be16(frame, at) == 0x88a8); ++tags) {
        if (frame.size() < at + 6) return std::nullopt;
        at += 4;
    }
    const unsigned type = be16(frame, at);
    const Bytes rest = frame.subspan(at + 2);
    if (type == 0x0800)
        ipv4(packet, rest);
    else if (type == 0x86dd)
        ipv6(packet, rest);
    else
        return std::nullopt;
    return packet;
}

// The list of the longest prefix that holds the address; of equal prefixes, a passing list's.
inline const PrefixList* list_of(const FilterPolicy& policy, const Packet& packet,
                                 const std::array<std::uint8_t, 16>& of)
{
    const PrefixList* best = nullptr;
    int best_length = -1;
    for (const PrefixList& list : policy.lists)
        for (const Prefix& prefix : list.prefixes) {
            const int length = static_cast<int>(prefix.length);
            if (!prefix.holds(packet.ipv6, of) || length < best_length) continue;
            if (length == best_length && list.verdict != Verdict::Pass && best->verdict == Verdict::Pass) continue;
            best = &list;
            best_length = length;
        }
    return best;
}

inline bool within(const std::vector<Range>& ranges, std::optional<unsigned> value)
{
    if (ranges.empty()) return true;
    return value && std::ranges::any_of(ranges, [&](const Range& r) { return r.first <= *value && *value <= r.last; });
}

inline bool matches(const FilterPolicy& policy, const FilterRule& rule, const Packet& packet)
{
    const auto in = [&](const std::string& name, const std::array<std::uint8_t, 16>& address) {
        const PrefixList* list = list_of(policy, packet, address);
        return name.empty() || (list && list->name == name);
    };
    if (rule.family && (*rule.family == 6) != packet.ipv6) return false;
    if (!rule.protocols.empty() &&
        std::ranges::find(rule.protocols, static_cast<std::uint8_t>(packet.protocol)) == rule.protocols.end())
        return false;
    if (!within(rule.source_ports, packet.source_port) || !within(rule.destination_ports, packet.destination_port))
        return false;
    if (!within(rule.lengths, packet.length) || !within(rule.ttls, packet.ttl) || !within(rule.icmp, packet.icmp))
        return false;
    if (rule.tcp_flags && (!packet.tcp_flags || (*packet.tcp_flags & rule.tcp_flags->mask) != rule.tcp_flags->value))
        return false;
    if (rule.fragment && *rule.fragment != (packet.fragment != 0)) return false;
    return in(rule.source_list, packet.source) && in(rule.destination_list, packet.destination);
}

struct Answer {
    bool drop = false;
    std::string counter; // the one that the packet is counted under
    bool operator==(const Answer&) const = default;
};

// What was said of the packet's source while the filter ran: is it allowed, is it blocked?
inline bool said(std::span<const LiveEntry> live, const Packet& packet, bool allowed)
{
    return std::ranges::any_of(live, [&](const LiveEntry& entry) {
        return entry.allowed == allowed && entry.prefix.holds(packet.ipv6, packet.source);
    });
}

// `live`: entries whose time is not over.
inline Answer judge(const FilterPolicy& policy, Bytes frame, std::span<const LiveEntry> live = {})
{
    const auto packet = look(frame);
    if (!packet) return {false, "not-ip"};
    if (said(live, *packet, true)) return {false, "allowed"};
    const PrefixList* list = list_of(policy, *packet, packet->source);
    if (list && list->verdict != Verdict::Match) return {list->verdict == Verdict::Drop, list->name};
    if (said(live, *packet, false)) return {true, "blocked"};
    for (unsigned odd = 0; odd < ODD_KINDS; ++odd)
        if (packet->odd & policy.odd & 1U << odd) return {true, "odd " + std::string(odd_name(odd))};
    for (const FilterRule& rule : policy.rules)
        if ((rule.verdict == Verdict::Pass || rule.verdict == Verdict::Drop) && matches(policy, rule, *packet))
            return {rule.verdict == Verdict::Drop, rule.name};
    return policy.default_drop ? Answer{true, "default-drop"} : Answer{false, "passed"};
}

} // namespace netwright::dataplane::reference
