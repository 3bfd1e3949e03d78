// SPDX-License-Identifier: GPL-2.0-or-later
// Generated frames that are meant for a balancer.
#pragma once

#include "dataplane/lb_config.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace netwright::test {

// Most of the frames get a VIP's address.
inline void aim(std::vector<std::uint8_t>& frame, const dataplane::LbConfig& config, std::mt19937& random)
{
    std::size_t at = 12;
    while (at + 6 < frame.size() && (frame[at] == 0x81 || frame[at] == 0x88))
        at += 4;
    const dataplane::LbVip& vip = config.vips[random() % config.vips.size()];
    const std::size_t place = at + 2 + (vip.address.ipv6 ? 24 : 16), size = vip.address.ipv6 ? 16 : 4;
    const std::uint8_t type = vip.address.ipv6 ? 0x86 : 0x08;
    if (random() % 8 == 0 || frame.size() < place + size || frame[at] != type) return;
    std::copy_n(vip.address.address.begin(), size, frame.begin() + static_cast<std::ptrdiff_t>(place));
}

// Payload at its end, which the lengths in its headers know of where they were right.
inline void lengthen(std::vector<std::uint8_t>& frame, std::size_t more)
{
    std::size_t at = 12;
    while (at + 6 < frame.size() && (frame[at] == 0x81 || frame[at] == 0x88))
        at += 4;
    const std::size_t length = at + 2 + (frame[at] == 0x86 ? 4 : 2), before = frame.size();
    if (before < length + 16) return;
    const std::size_t sum = static_cast<std::size_t>(frame[length] << 8 | frame[length + 1]) + more;
    frame[length] = static_cast<std::uint8_t>(sum >> 8);
    frame[length + 1] = static_cast<std::uint8_t>(sum);
    frame.resize(before + more, 0xa5);
}

// Puts the start of a QUIC packet into UDP's payload where its VIP looks for that: mostly a server ID of its pool.
inline void identify(std::vector<std::uint8_t>& frame, const dataplane::LbConfig& config, std::mt19937& random)
{
    std::size_t at = 12;
    while (at + 6 < frame.size() && (frame[at] == 0x81 || frame[at] == 0x88))
        at += 4;
    at += 2;
    if (frame.size() < at + 40) return;
    const std::size_t payload = at + (frame[at] / 16 == 6 ? 40 : frame[at] % 16 * 4U) + 8;
    if (frame.size() < payload + 4) return;
    std::vector<unsigned> ids{static_cast<unsigned>(random() & 0xffff)};
    for (const dataplane::LbPool& pool : config.pools)
        for (const dataplane::LbBackend& backend : pool.backends)
            if (backend.quic_id) ids.push_back(*backend.quic_id);
    const unsigned id = ids[random() % ids.size()];
    frame[payload - 6] = 1; // to port 443
    frame[payload - 5] = 0xbb;
    frame[payload] = random() % 8 == 0 ? 0xc0 : 0x40;
    frame[payload + 1] = static_cast<std::uint8_t>((random() % 8 == 0 ? random() % 8 : config.quic_config) * 32);
    frame[payload + 2] = static_cast<std::uint8_t>(id >> 8);
    frame[payload + 3] = static_cast<std::uint8_t>(id);
}

// Some router's answer to what a backend of such a VIP sent: mostly an error, mostly right.
inline std::vector<std::uint8_t> icmp_error(const dataplane::LbConfig& config, std::mt19937& random)
{
    const auto any = [&](std::initializer_list<unsigned> of) { return of.begin()[random() % of.size()]; };
    std::vector<std::uint8_t> bytes;
    const auto put = [&](std::initializer_list<unsigned> more) {
        for (const unsigned byte : more)
            bytes.push_back(static_cast<std::uint8_t>(byte));
    };
    const dataplane::LbVip& vip = config.vips[random() % config.vips.size()];
    const bool ipv6 = vip.address.ipv6;
    const unsigned quoted = any({0, 4, 8, 20, 21, 40, 600, 1400}), options = ipv6 ? 0 : any({0, 0, 0, 4, 40});
    const auto header = [&](unsigned protocol, unsigned size, unsigned more, bool from_vip) {
        if (ipv6)
            put({0x60, 1, 2, 3, size >> 8, size & 255, protocol, any({1, 64, 255})});
        else
            put({0x45 + more / 4, 7, (20 + more + size) >> 8, (20 + more + size) & 255, 0, 0,
                 any({0, 0x40, 0x40, 0x20}) * (from_vip ? 1 : 2) & 0x60, random() % 20 == 0, any({1, 64, 255}),
                 protocol, 1, 2});
        for (const bool is_vip : {from_vip, !from_vip})
            for (unsigned i = 0; i < (ipv6 ? 16U : 4U); ++i)
                put({is_vip ? vip.address.address.at(i) : ipv6 ? any({0x20, 1, 0xd, 0xb8}) : any({100, 198, 203})});
        for (unsigned i = 0; i < more; ++i)
            put({1});
    };
    put({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2});
    if (random() % 4 == 0) put({0x81, 0, 0, 7});
    ipv6 ? put({0x86, 0xdd}) : put({8, 0});
    header(ipv6 ? 58 : 1, 8 + (ipv6 ? 40 : 20) + options + quoted, 0, false);
    ipv6 ? put({any({1, 2, 3, 4, 4, 128, 135}), 0}) : put({any({3, 3, 11, 12, 5, 8}), any({0, 1, 4})});
    put({0, 0, 0, 0, 5, 0});
    header(vip.protocol, 8, options, true);
    const std::size_t ports = bytes.size();
    for (unsigned i = 0; i < quoted; ++i)
        put({static_cast<unsigned>(random() & 255)});
    if (quoted >= 4) {
        bytes[ports] = static_cast<std::uint8_t>(vip.port >> 8);
        bytes[ports + 1] = static_cast<std::uint8_t>(vip.port);
    }
    if (random() % 4 == 0) bytes[12 + random() % (bytes.size() - 12)] = static_cast<std::uint8_t>(random());
    if (random() % 8 == 0) bytes.resize(14 + random() % (bytes.size() - 13));
    return bytes;
}

} // namespace netwright::test
