// SPDX-License-Identifier: GPL-2.0-or-later
// A packet's head in words, as far as it goes.
#include "base/text.h"
#include "dataplane/filter_samples.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

namespace netwright::dataplane {
namespace {

using Bytes = std::span<const std::uint8_t>;

unsigned big16(Bytes bytes, std::size_t at) { return bytes[at] * 256U + bytes[at + 1]; }

std::string address(Bytes bytes, bool ipv6)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
    return text.data();
}

std::string flags_of(unsigned flags)
{
    constexpr std::array<const char*, 8> names{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i)
        if (flags >> i & 1) text += fmt::format(" {}", names.at(i));
    return text.empty() ? " no flags" : text;
}

struct Ends {
    std::string from, to;
    bool ipv6;
};

std::string with_ports(const Ends& ends, Bytes transport)
{
    const char* const form = ends.ipv6 ? "[{}]:{} > [{}]:{}" : "{}:{} > {}:{}";
    return fmt::format(fmt::runtime(form), ends.from, big16(transport, 0), ends.to, big16(transport, 2));
}

std::string transport_text(const Ends& ends, unsigned protocol, Bytes transport)
{
    if (protocol == 6 && transport.size() >= 14) return with_ports(ends, transport) + " tcp" + flags_of(transport[13]);
    if (protocol == 17 && transport.size() >= 4) return with_ports(ends, transport) + " udp";
    const std::string way = fmt::format("{} > {}", ends.from, ends.to);
    if (protocol == (ends.ipv6 ? 58 : 1) && transport.size() >= 2)
        return fmt::format("{} {} {}/{}", way, ends.ipv6 ? "icmpv6" : "icmp", transport[0], transport[1]);
    return fmt::format("{} protocol {}", way, protocol);
}

std::string ipv4_text(Bytes bytes)
{
    if (bytes.size() < 20) return "cut IPv4";
    const Ends ends{address(bytes.subspan(12, 4), false), address(bytes.subspan(16, 4), false), false};
    const std::size_t header = (bytes[0] & 15) * 4U;
    if (big16(bytes, 6) & 0x1fff) return fmt::format("{} > {} later fragment", ends.from, ends.to);
    return transport_text(ends, bytes[9], header < bytes.size() ? bytes.subspan(header) : Bytes{});
}

std::string ipv6_text(Bytes bytes)
{
    if (bytes.size() < 40) return "cut IPv6";
    const Ends ends{address(bytes.subspan(8, 16), true), address(bytes.subspan(24, 16), true), true};
    return transport_text(ends, bytes[6], bytes.subspan(40));
}

} // namespace

std::string head_summary(Bytes head)
{
    std::size_t at = 12;
    for (int tags = 0; tags < 2 && at + 6 <= head.size(); ++tags, at += 4)
        if (const unsigned type = big16(head, at); type != 0x8100 && type != 0x88a8) break;
    if (at + 2 > head.size()) return "cut Ethernet";
    const unsigned type = big16(head, at);
    const Bytes rest = head.subspan(at + 2);
    if (type == 0x0800) return ipv4_text(rest);
    if (type == 0x86dd) return ipv6_text(rest);
    return fmt::format("ethertype 0x{:04x}", type);
}

} // namespace netwright::dataplane
