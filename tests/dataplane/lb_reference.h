// SPDX-License-Identifier: GPL-2.0-or-later
// What the load balancer must do with a frame, written a second time from the configuration and the standards: bytes
// and loops instead of words and tables. Connections of slots that changed hands are the caller's to remember.
#pragma once

#include "dataplane/lb_config.h"
#include "dataplane/maglev.h"

#include <linux/bpf.h>

#include <cstring>
#include <map>

#include "filter_reference.h"

namespace netwright::dataplane::reference {

// The factors of a key, as Vigna's SplitMix64 gives them.
inline std::uint64_t stirred(std::uint64_t value)
{
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9;
    value ^= value >> 27;
    value *= 0x94d049bb133111eb;
    value ^= value >> 31;
    return value;
}
inline std::uint64_t factor_of(const std::array<std::uint64_t, 2>& key, std::size_t number)
{
    return stirred(stirred(key[0] + (number + 1) * 0x9e3779b97f4a7c15) ^ key[1]);
}

// Multilinear hashing of words of 32 bits; each has its factor, wherever it stands.
using Words = std::vector<std::pair<std::size_t, std::uint32_t>>;
inline std::uint64_t multilinear(const std::array<std::uint64_t, 2>& key, const Words& words)
{
    std::uint64_t sum = factor_of(key, 0);
    for (const auto& [number, word] : words)
        sum += factor_of(key, number) * word;
    const std::uint64_t low = (sum ^ sum >> 29) * 0xff51afd7ed558ccd;
    return sum >> 32 << 32 | low >> 32;
}

struct Sent {
    std::uint32_t action = XDP_PASS;
    std::string why; // it was not sent to a backend; what leaves then is an ICMP error to its sender
    std::vector<std::uint8_t> frame;
};

class Balancer {
public:
    explicit Balancer(LbConfig config) : config_(std::move(config))
    {
        for (const LbPool& pool : config_.pools) {
            std::vector<MaglevBackend> placed;
            for (const LbBackend& backend : pool.backends)
                placed.push_back({maglev_identity(backend.address.address), backend.weight});
            tables_.push_back(maglev_table(placed));
        }
    }

    Sent balance(Bytes frame) const
    {
        const auto packet = look(frame);
        const auto flow = packet && is_error(*packet) ? quoted(frame, *packet) : packet;
        const LbVip* vip = flow ? vip_of(*flow) : nullptr;
        if (!vip) return {XDP_PASS, "", {frame.begin(), frame.end()}};
        for (unsigned odd = 0; odd <= ODD_TINY_FRAGMENT; ++odd)
            if (packet->odd & 1U << odd) return {XDP_DROP, "malformed", {}};
        if (flow->fragment && !balances_fragments(*flow)) return {XDP_DROP, "fragment", {}};
        const std::uint64_t hash = hash_of(*flow, *vip);
        const std::uint16_t owner = tables_[vip->pool][(hash >> 32) * maglev_slots >> 32];
        const LbPool& pool = config_.pools[vip->pool];
        const auto named =
            vip->affinity == LbVip::Affinity::Quic && !packet->icmp ? named_by(frame, *packet, pool) : std::nullopt;
        if (owner == no_backend && !named) return {XDP_DROP, "no backend", {}};
        const LbBackend& backend = pool.backends[named.value_or(owner)];
        const unsigned udp = pool.mode == LbMode::Gue ? 8 : 0;
        const unsigned outer = pool.mode == LbMode::Layer2 ? 0 : udp + (backend.address.ipv6 ? 40 : 20);
        if (packet->length + outer > config_.mtu) return too_big(frame, *packet, config_.mtu - outer);
        if (packet->ttl <= 1) return answered("ttl", frame, *packet, packet->ipv6 ? 0x0300 : 0x0b00, 0);
        const auto older = aged(frame, *packet);
        if (pool.mode == LbMode::Layer2) return {XDP_TX, "", handed_over(older, backend)};
        return {XDP_TX, "", wrapped(older, *packet, backend.address, hash, pool.mode == LbMode::Gue)};
    }

    // Of a packet to a VIP.
    std::uint64_t hash(Bytes frame) const
    {
        const auto packet = look(frame);
        return hash_of(*packet, *vip_of(*packet));
    }

    static std::size_t network_of(Bytes frame)
    {
        std::size_t network = 14;
        while (be16(frame, network - 2) == 0x8100 || be16(frame, network - 2) == 0x88a8)
            network += 4;
        return network;
    }

    // One hop less to live; the checksum grows by what the TTL's half shrinks by, in one's complement arithmetic.
    static std::vector<std::uint8_t> aged(Bytes frame, const Packet& packet)
    {
        std::vector<std::uint8_t> out(frame.begin(), frame.end());
        const std::size_t network = network_of(frame);
        --out[network + (packet.ipv6 ? 7 : 8)];
        if (packet.ipv6) return out;
        const unsigned sum = (be16(frame, network + 10) + 256) % 65535;
        out[network + 10] = static_cast<std::uint8_t>(sum >> 8);
        out[network + 11] = static_cast<std::uint8_t>(sum);
        return out;
    }

private:
    static bool is_error(const Packet& packet)
    {
        if (!packet.icmp || packet.fragment) return false;
        const unsigned type = *packet.icmp >> 8;
        return packet.ipv6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
    }

    // The client's side of the connection that an error quotes a packet of.
    static std::optional<Packet> quoted(Bytes frame, const Packet& packet)
    {
        const Bytes outer = frame.subspan(network_of(frame));
        if (packet.ipv6 && outer[6] != 58) return std::nullopt; // behind extension headers
        const std::size_t begin = (packet.ipv6 ? 40 : outer[0] % 16 * 4U) + 8;
        const std::size_t fixed = packet.ipv6 ? 40 : 20;
        if (outer.size() < begin + fixed) return std::nullopt;
        const Bytes quote = outer.subspan(begin);
        if (quote[0] / 16 != (packet.ipv6 ? 6 : 4)) return std::nullopt;
        const std::size_t header = packet.ipv6 ? 40 : quote[0] % 16 * 4U;
        if (header < fixed || quote.size() < header + 8) return std::nullopt;
        if (!packet.ipv6 && be16(quote, 6) % 0x2000 != 0) return std::nullopt;
        Packet flow;
        flow.ipv6 = packet.ipv6;
        flow.protocol = quote[packet.ipv6 ? 6 : 9];
        if (flow.protocol != 6 && flow.protocol != 17) return std::nullopt;
        const std::size_t address = packet.ipv6 ? 16 : 4, source = packet.ipv6 ? 8 : 12;
        std::ranges::copy(quote.subspan(source, address), flow.destination.begin());
        std::ranges::copy(quote.subspan(source + address, address), flow.source.begin());
        if (flow.destination != packet.destination) return std::nullopt;
        flow.destination_port = be16(quote, header);
        flow.source_port = be16(quote, header + 2);
        return flow;
    }

    // Whose server ID a QUIC packet with a short header carries.
    std::optional<std::size_t> named_by(Bytes frame, const Packet& packet, const LbPool& pool) const
    {
        const Bytes bytes = frame.subspan(network_of(frame));
        if (packet.fragment || (packet.ipv6 && bytes[6] != 17)) return std::nullopt;
        const std::size_t payload = (packet.ipv6 ? 40 : bytes[0] % 16 * 4U) + 8;
        if (bytes.size() < payload + 4 || bytes[payload] >= 128) return std::nullopt;
        if (bytes[payload + 1] / 32 != config_.quic_config) return std::nullopt;
        for (std::size_t i = 0; i < pool.backends.size(); ++i)
            if (pool.backends[i].quic_id == be16(bytes, payload + 2)) return i;
        return std::nullopt;
    }

    Sent too_big(Bytes frame, const Packet& packet, unsigned mtu) const
    {
        if (packet.ipv6) return answered("too big", frame, packet, 0x0200, std::max(mtu, 1280U));
        if ((frame[network_of(frame) + 6] & 0x40) == 0) return {XDP_DROP, "too big", {}};
        return answered("too big", frame, packet, 0x0304, mtu);
    }

    static unsigned inverse_sum(Bytes bytes)
    {
        unsigned sum = 0;
        for (std::size_t at = 0; at < bytes.size(); at += 2)
            sum += be16(bytes, at);
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return ~sum & 0xffff;
    }

    // RFC 792 and RFC 4443: an error from the VIP to whoever sent the packet.
    static Sent answered(const std::string& why, Bytes frame, const Packet& packet, unsigned what, unsigned mtu)
    {
        const std::size_t network = network_of(frame), fixed = packet.ipv6 ? 40 : 20;
        const Bytes inner = frame.subspan(network);
        const std::size_t quote = packet.length >= 504 ? 504 : fixed + 8;
        const bool options = !packet.ipv6 && inner[0] != 0x45;
        if (packet.icmp || packet.fragment == 2 || packet.length < quote || (quote < 504 && options))
            return {XDP_DROP, why, {}};
        const std::size_t address = packet.ipv6 ? 16 : 4;
        std::vector<std::uint8_t> addresses(packet.destination.begin(),
                                            packet.destination.begin() + static_cast<std::ptrdiff_t>(address));
        addresses.insert(addresses.end(), packet.source.begin(),
                         packet.source.begin() + static_cast<std::ptrdiff_t>(address));
        std::vector<std::uint8_t> icmp;
        put(icmp, what, 2);
        put(icmp, 0, 2);
        put(icmp, mtu, 4);
        icmp.insert(icmp.end(), inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(quote));
        std::vector<std::uint8_t> summed = icmp;
        if (packet.ipv6) {
            summed.insert(summed.end(), addresses.begin(), addresses.end());
            put(summed, icmp.size(), 4);
            put(summed, 58, 4);
        }
        const unsigned sum = inverse_sum(summed);
        icmp[2] = static_cast<std::uint8_t>(sum >> 8);
        icmp[3] = static_cast<std::uint8_t>(sum);
        std::vector<std::uint8_t> header;
        if (packet.ipv6) {
            put(header, 0x6c00'0000, 4);
            put(header, icmp.size(), 2);
            put(header, 58 << 8 | 64, 2);
        } else {
            put(header, 0x45c0, 2);
            put(header, 20 + icmp.size(), 2);
            put(header, 0x4000, 4);
            put(header, 64 << 8 | 1, 2);
            put(header, 0, 2);
        }
        header.insert(header.end(), addresses.begin(), addresses.end());
        if (!packet.ipv6) {
            const unsigned header_sum = inverse_sum(header);
            header[10] = static_cast<std::uint8_t>(header_sum >> 8);
            header[11] = static_cast<std::uint8_t>(header_sum);
        }
        std::vector<std::uint8_t> out(frame.begin() + 6, frame.begin() + 12);
        out.insert(out.end(), frame.begin(), frame.begin() + 6);
        out.insert(out.end(), frame.begin() + 12, frame.begin() + static_cast<std::ptrdiff_t>(network));
        out.insert(out.end(), header.begin(), header.end());
        out.insert(out.end(), icmp.begin(), icmp.end());
        return {XDP_TX, why, out};
    }

    const LbVip* vip_of(const Packet& packet) const
    {
        for (const LbVip& vip : config_.vips) {
            if (!vip.address.holds(packet.ipv6, packet.destination) || vip.protocol != packet.protocol) continue;
            if (packet.fragment || packet.destination_port == vip.port) return &vip;
        }
        return nullptr;
    }

    bool balances_fragments(const Packet& packet) const
    {
        std::optional<std::size_t> pool;
        for (const LbVip& vip : config_.vips) {
            if (!vip.address.holds(packet.ipv6, packet.destination) || vip.protocol != packet.protocol) continue;
            if (vip.protocol == 6 && vip.affinity == LbVip::Affinity::Flow) return false;
            if (pool.value_or(vip.pool) != vip.pool) return false;
            pool = vip.pool;
        }
        return true;
    }

    std::uint64_t hash_of(const Packet& packet, const LbVip& vip) const
    {
        const auto word = [](const auto& bytes, std::size_t at) {
            std::uint32_t value = 0; // as the machine reads it
            std::memcpy(&value, bytes.data() + 4 * at, sizeof value);
            return value;
        };
        Words words{{1, word(packet.source, 0)}, {2, word(packet.destination, 0)}};
        for (std::size_t i = 1; packet.ipv6 && i < 4; ++i) {
            words.emplace_back(3 + 2 * i, word(packet.source, i));
            words.emplace_back(4 + 2 * i, word(packet.destination, i));
        }
        if (vip.affinity != LbVip::Affinity::Source && !packet.fragment) {
            words.emplace_back(3, packet.destination_port.value_or(0) << 16 | packet.source_port.value_or(0));
            words.emplace_back(4, packet.protocol);
        }
        return multilinear(config_.hash_key, words);
    }

    static void put(std::vector<std::uint8_t>& bytes, std::uint64_t value, int size)
    {
        for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }

    // A source with its host bits from the hash's low 32 bits, which are a word in memory: the first byte is the
    // lowest.
    static void put_source(std::vector<std::uint8_t>& bytes, const Prefix& source, std::uint64_t hash)
    {
        const std::size_t size = source.ipv6 ? 16 : 4;
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t from_end = size - i;
            const auto entropy = static_cast<unsigned>(from_end <= 4 ? hash >> ((4 - from_end) * 8) & 255 : 0);
            unsigned kept = 0;
            for (unsigned bit = 0; bit < 8; ++bit)
                if (i * 8 + bit < source.length) kept |= 0x80U >> bit;
            bytes.push_back(static_cast<std::uint8_t>(source.address.at(i) | (entropy & ~kept)));
        }
    }

    static std::vector<std::uint8_t> handed_over(Bytes frame, const LbBackend& backend)
    {
        const LinkAddress to = backend.link.value_or(LinkAddress{});
        std::vector<std::uint8_t> out(to.begin(), to.end());
        out.insert(out.end(), frame.begin(), frame.begin() + 6);
        out.insert(out.end(), frame.begin() + 12, frame.end());
        return out;
    }

    std::vector<std::uint8_t> wrapped(Bytes frame, const Packet& packet, const Prefix& backend, std::uint64_t hash,
                                      bool gue) const
    {
        const std::size_t network = network_of(frame);
        const Bytes inner = frame.subspan(network);
        const unsigned traffic_class = packet.ipv6 ? be16(inner, 0) >> 4 & 255 : inner[1];
        std::vector<std::uint8_t> out(frame.begin() + 6, frame.begin() + 12);
        out.insert(out.end(), frame.begin(), frame.begin() + 6);
        out.insert(out.end(), frame.begin() + 12, frame.begin() + static_cast<std::ptrdiff_t>(network) - 2);
        put(out, backend.ipv6 ? 0x86dd : 0x0800, 2);
        const std::size_t begin = out.size();
        const unsigned protocol = gue ? 17 : packet.ipv6 ? 41 : 4;
        const unsigned udp = gue ? 8 : 0;
        if (backend.ipv6) {
            put(out, 6U << 28 | traffic_class << 20 | (hash & 0xfffff), 4);
            put(out, packet.length + udp, 2);
            put(out, protocol << 8 | 64, 2);
        } else {
            put(out, 0x4500 | traffic_class, 2);
            put(out, packet.length + udp + 20, 2);
            put(out, 0x4000, 4);
            put(out, 64 << 8 | protocol, 2);
            put(out, 0, 2);
        }
        put_source(out, backend.ipv6 ? config_.source6.value_or(Prefix{}) : config_.source4.value_or(Prefix{}), hash);
        out.insert(out.end(), backend.address.begin(), backend.address.begin() + (backend.ipv6 ? 16 : 4));
        if (!backend.ipv6) {
            const unsigned sum = inverse_sum(Bytes(out).subspan(begin));
            out[begin + 10] = static_cast<std::uint8_t>(sum >> 8);
            out[begin + 11] = static_cast<std::uint8_t>(sum);
        }
        if (gue) {
            put(out, 0xc000 | (hash & 255) << 8 | (hash >> 8 & 255), 2);
            put(out, config_.gue_port, 2);
            put(out, packet.length + 8, 2);
            put(out, 0, 2);
        }
        out.insert(out.end(), inner.begin(), inner.end());
        return out;
    }

    LbConfig config_;
    std::vector<std::vector<std::uint16_t>> tables_;
};

} // namespace netwright::dataplane::reference
