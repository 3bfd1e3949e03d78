// SPDX-License-Identifier: GPL-2.0-or-later
// A packet by its meaning, and the bytes that say so: every checksum is made from scratch.
#pragma once

#include "dataplane/prefix.h"

#include <cstdint>
#include <vector>

namespace netwright::test {

struct Wire {
    using Bytes = std::vector<std::uint8_t>;
    Bytes to{2, 0, 0, 0, 0, 1}, from{2, 0, 0, 0, 0, 2}; // link addresses
    Bytes tags;                                         // between them and the type
    dataplane::Prefix source, destination;
    unsigned protocol = 6, source_port = 0, destination_port = 0;
    unsigned flags = 16, ttl = 64, fragment = 0x4000; // its word in the header
    Bytes options, payload;                           // of IPv4; behind the ports' header
    bool summed = true;                               // of UDP: it has a checksum

    Bytes frame() const
    {
        Bytes out = to;
        out.insert(out.end(), from.begin(), from.end());
        out.insert(out.end(), tags.begin(), tags.end());
        put(out, source.ipv6 ? 0x86dd : 0x0800, 2);
        const Bytes inside = packet();
        out.insert(out.end(), inside.begin(), inside.end());
        return out;
    }
    Bytes packet() const
    {
        Bytes inside = transport();
        Bytes out = source.ipv6 ? header6(inside.size()) : header4(inside.size());
        out.insert(out.end(), inside.begin(), inside.end());
        return out;
    }
    static void put(Bytes& bytes, std::uint64_t value, int size)
    {
        for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }

private:
    static unsigned sum_of(const Bytes& bytes)
    {
        unsigned sum = 0;
        for (std::size_t at = 0; at < bytes.size(); ++at)
            sum += static_cast<unsigned>(bytes[at]) << (at % 2 ? 0 : 8);
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return ~sum & 0xffff;
    }
    static void set(Bytes& bytes, std::size_t at, unsigned value)
    {
        bytes[at] = static_cast<std::uint8_t>(value >> 8);
        bytes[at + 1] = static_cast<std::uint8_t>(value);
    }
    void put_address(Bytes& bytes, const dataplane::Prefix& address) const
    {
        bytes.insert(bytes.end(), address.address.begin(), address.address.begin() + (source.ipv6 ? 16 : 4));
    }
    Bytes header4(std::size_t size) const
    {
        Bytes out;
        put(out, 0x40U + 5 + options.size() / 4, 1);
        put(out, 0, 1);
        put(out, 20 + options.size() + size, 2);
        put(out, 0x1234, 2);
        put(out, fragment, 2);
        put(out, ttl << 8 | protocol, 2);
        put(out, 0, 2);
        put_address(out, source);
        put_address(out, destination);
        out.insert(out.end(), options.begin(), options.end());
        set(out, 10, sum_of(out));
        return out;
    }
    Bytes header6(std::size_t size) const
    {
        Bytes out;
        put(out, 0x6012'3456, 4);
        put(out, size, 2);
        put(out, protocol << 8 | ttl, 2);
        put_address(out, source);
        put_address(out, destination);
        return out;
    }
    // An ICMP message is all payload.
    Bytes transport() const
    {
        Bytes out;
        if (protocol == 6 || protocol == 17) put(out, source_port << 16 | destination_port, 4);
        if (protocol == 6) put(out, 0x0102030405060708, 8);
        if (protocol == 6) put(out, 0x5000'ffff'0000'0000 | std::uint64_t{flags} << 48, 8);
        if (protocol == 17) put(out, (8 + payload.size()) << 16, 4);
        out.insert(out.end(), payload.begin(), payload.end());
        if (protocol == 17 && !summed) return out;
        Bytes all = out;
        if (protocol != 1) {
            put_address(all, source);
            put_address(all, destination);
            if (out.size() % 2) all.insert(all.begin() + static_cast<std::ptrdiff_t>(out.size()), 0);
            put(all, out.size(), 4);
            put(all, protocol, 4);
        }
        const unsigned sum = sum_of(all);
        set(out, protocol == 6 ? 16 : protocol == 17 ? 6 : 2, protocol == 17 && sum == 0 ? 0xffff : sum);
        return out;
    }
};

} // namespace netwright::test
