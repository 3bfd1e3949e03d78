// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/frames.h"

#include <algorithm>
#include <array>
#include <span>

namespace netwright::dataplane_bench {
namespace {

constexpr std::size_t link_header = 14, ip_header = 20, ip6_header = 40;
constexpr std::uint16_t client_port = 40000;

void put16(Frame& frame, std::size_t at, std::uint32_t value)
{
    frame.at(at) = static_cast<std::uint8_t>(value >> 8);
    frame.at(at + 1) = static_cast<std::uint8_t>(value);
}

std::uint32_t sum_of(std::span<const std::uint8_t> bytes)
{
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum += std::uint32_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
    return sum;
}

std::uint16_t folded(std::uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void put(Frame& frame, std::size_t at, std::span<const std::uint8_t> bytes)
{
    std::ranges::copy(bytes, frame.begin() + static_cast<std::ptrdiff_t>(at));
}

Frame link(std::size_t size, std::uint16_t type)
{
    Frame frame(size);
    put(frame, 0, std::array<std::uint8_t, 12>{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2});
    put16(frame, 12, type);
    return frame;
}

Frame ip4(std::size_t size, std::uint8_t protocol)
{
    Frame frame = link(size, 0x0800);
    frame[14] = 0x45;
    put16(frame, 16, static_cast<std::uint32_t>(size - link_header));
    frame[20] = 0x40; // whole
    frame[22] = 64;
    frame[23] = protocol;
    put(frame, 30, std::array<std::uint8_t, 4>{192, 0, 2, 0});
    put16(frame, 24, folded(sum_of(std::span(frame).subspan(link_header, ip_header))));
    return frame;
}

void put_tcp(Frame& frame, std::size_t at, std::uint8_t flags, std::uint16_t port)
{
    put16(frame, at, client_port);
    put16(frame, at + 2, port);
    frame.at(at + 12) = 0x50;
    frame.at(at + 13) = flags;
    put16(frame, at + 14, 64240);
}

} // namespace

Frame tcp4(std::uint8_t flags, std::uint16_t port)
{
    Frame frame = ip4(64, 6);
    if (flags & syn) put16(frame, 16, 40); // what follows is padding: a SYN that carries data would be odd
    put16(frame, 24, 0);
    put16(frame, 24, folded(sum_of(std::span(frame).subspan(link_header, ip_header))));
    put_tcp(frame, link_header + ip_header, flags, port);
    return frame;
}

Frame udp4(std::uint16_t port)
{
    Frame frame = ip4(64, 17);
    put16(frame, 34, client_port);
    put16(frame, 36, port);
    put16(frame, 38, 30);
    return frame;
}

Frame tcp6(std::uint8_t flags, std::uint16_t port)
{
    Frame frame = link(80, 0x86dd);
    frame[14] = 0x60;
    put16(frame, 18, 20);
    frame[20] = 6;
    frame[21] = 64;
    put(frame, 22, std::array<std::uint8_t, 6>{0x20, 0x01, 0x0d, 0xb8, 0, 1});
    put(frame, 38, std::array<std::uint8_t, 4>{0x20, 0x01, 0x0d, 0xb8});
    put_tcp(frame, link_header + ip6_header, flags, port);
    return frame;
}

Frame whole_syn4(std::uint16_t port)
{
    constexpr std::size_t header = 40, at = link_header + ip_header;
    Frame frame = ip4(80, 6);
    frame[26] = 16;
    frame[29] = 1;
    put16(frame, 16, ip_header + header);
    put16(frame, 24, 0);
    put16(frame, 24, folded(sum_of(std::span(frame).subspan(link_header, ip_header))));
    put_tcp(frame, at, syn, port);
    frame[at + 12] = 0xa0;
    // MSS 1460, SACK permitted, timestamps, window scale 7.
    put(frame, at + 20, std::array<std::uint8_t, 20>{2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7});
    const std::uint32_t pseudo = sum_of(std::span(frame).subspan(26, 8)) + 6 + header;
    put16(frame, at + 16, folded(pseudo + sum_of(std::span(frame).subspan(at, header))));
    return frame;
}

} // namespace netwright::dataplane_bench
