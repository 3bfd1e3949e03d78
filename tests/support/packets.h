// SPDX-License-Identifier: GPL-2.0-or-later
// Hand-made packets on a link: with the fault in them that a test wants.
#pragma once

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <array>
#include <span>

#include "support/fault_lab.h"

namespace faults {

using Octets = std::vector<std::uint8_t>;

inline std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0)
{
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

template <class Header>
void append(Octets& bytes, const Header& header)
{
    const auto* const first = reinterpret_cast<const std::uint8_t*>(&header);
    bytes.insert(bytes.end(), first, first + sizeof header);
}

struct Packet {
    const char *source = "10.9.0.1", *destination = "10.9.0.2";
    std::uint16_t source_port = 4000, destination_port = 5000;
    std::uint8_t protocol = IPPROTO_UDP, ttl = 64, tcp_flags = 0x02; // SYN
    std::uint16_t fragment = 0;                                      // host order: flags and offset
    std::size_t size = 100;                                          // of the payload; TCP's is `data`
    std::size_t data = 0;
    std::optional<std::uint32_t> timestamp; // TCP's option
    bool good_sum = true, good_header_sum = true, good_length = true;
};

inline Octets transport(const Packet& packet)
{
    Octets bytes;
    if (packet.protocol == IPPROTO_TCP) {
        tcphdr tcp{};
        tcp.th_sport = htons(packet.source_port);
        tcp.th_dport = htons(packet.destination_port);
        tcp.th_seq = htonl(1000);
        tcp.th_off = packet.timestamp ? 8 : 5;
        tcp.th_flags = packet.tcp_flags;
        tcp.th_win = htons(1000);
        append(bytes, tcp);
        if (packet.timestamp) {
            append(bytes, std::array<std::uint8_t, 4>{TCPOPT_NOP, TCPOPT_NOP, TCPOPT_TIMESTAMP, TCPOLEN_TIMESTAMP});
            append(bytes, std::array<std::uint32_t, 2>{htonl(*packet.timestamp), 0});
        }
        bytes.resize(bytes.size() + packet.data);
    } else {
        udphdr udp{};
        udp.uh_sport = htons(packet.source_port);
        udp.uh_dport = htons(packet.destination_port);
        udp.uh_ulen = htons(static_cast<std::uint16_t>(sizeof udp + packet.size));
        append(bytes, udp);
        bytes.resize(bytes.size() + packet.size);
    }
    return bytes;
}

// With the pseudo header of RFC 793.
inline void fill_in_checksum(const Packet& packet, Octets& segment)
{
    Octets pseudo;
    append(pseudo, address(packet.source, 0).sin_addr);
    append(pseudo, address(packet.destination, 0).sin_addr);
    append(pseudo, htons(packet.protocol));
    append(pseudo, htons(static_cast<std::uint16_t>(segment.size())));
    pseudo.insert(pseudo.end(), segment.begin(), segment.end());
    const std::uint16_t sum =
        htons(static_cast<std::uint16_t>(internet_checksum(pseudo) ^ (packet.good_sum ? 0 : 0x5555)));
    std::memcpy(segment.data() + (packet.protocol == IPPROTO_TCP ? 16 : 6), &sum, sizeof sum);
}

inline Octets packet_bytes(const Packet& packet)
{
    Octets segment = transport(packet);
    fill_in_checksum(packet, segment);
    iphdr ip{};
    ip.version = 4;
    ip.ihl = packet.good_length ? 5 : 3;
    ip.tot_len = htons(static_cast<std::uint16_t>(sizeof ip + segment.size()));
    ip.id = htons(packet.source_port);
    ip.frag_off = htons(packet.fragment);
    ip.ttl = packet.ttl;
    ip.protocol = packet.protocol;
    ip.saddr = address(packet.source, 0).sin_addr.s_addr;
    ip.daddr = address(packet.destination, 0).sin_addr.s_addr;
    Octets bytes;
    append(bytes, ip);
    const std::uint16_t sum =
        htons(static_cast<std::uint16_t>(internet_checksum(bytes) ^ (packet.good_header_sum ? 0 : 0x5555)));
    std::memcpy(bytes.data() + offsetof(iphdr, check), &sum, sizeof sum);
    bytes.insert(bytes.end(), segment.begin(), segment.end());
    return bytes;
}

// A packet socket on one end of the link, which speaks to the other end's link address.
class Wire {
public:
    explicit Wire(const Link& link)
    {
        target_ = link.there.in([] { return link_address("nw1"); });
        link.here.in([this] {
            socket_.reset(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            index_ = static_cast<int>(::if_nametoindex("nw0"));
            check(socket_ && index_ > 0, "a packet socket");
        });
    }
    void send(const Octets& bytes, std::uint16_t type = ETH_P_IP) const { send_to(target_, bytes, type); }
    void send_to(const std::array<std::uint8_t, 6>& target, const Octets& bytes, std::uint16_t type = ETH_P_IP) const
    {
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_protocol = htons(type);
        to.sll_ifindex = index_;
        to.sll_halen = 6;
        std::memcpy(to.sll_addr, target.data(), target.size());
        (void)::sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    void send(Packet packet, int times) const
    {
        for (int i = 0; i < times; ++i, ++packet.source_port)
            send(packet_bytes(packet));
        std::this_thread::sleep_for(20ms); // veth hands packets over in softirq
    }

private:
    static std::array<std::uint8_t, 6> link_address(const char* nic)
    {
        ifreq request{};
        std::strncpy(request.ifr_name, nic, IFNAMSIZ - 1);
        const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        check(::ioctl(any.get(), SIOCGIFHWADDR, &request) == 0, "the link address");
        std::array<std::uint8_t, 6> found{};
        std::memcpy(found.data(), request.ifr_hwaddr.sa_data, found.size());
        return found;
    }
    Fd socket_;
    int index_ = 0;
    std::array<std::uint8_t, 6> target_{};
};

} // namespace faults
