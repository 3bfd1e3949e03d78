// SPDX-License-Identifier: GPL-2.0-or-later
// Counting and cutting super-packets.
#include "lab/super_packet.h"

#include <cstring>

namespace netwright::lab {
namespace {

constexpr std::uint8_t tcp = 6;
constexpr std::size_t v4_header = 20, v6_header = 40, tcp_header = 20;
constexpr std::uint8_t fin = 0x01, psh = 0x08, cwr = 0x80;

// struct virtio_net_hdr and its constants: the kernel's own header uses a C++ keyword as a name.
struct Offload {
    std::uint8_t flags = 0, gso_type = 0;
    std::uint16_t hdr_len = 0, gso_size = 0, csum_start = 0, csum_offset = 0; // in the host's byte order
};
static_assert(sizeof(Offload) == virtio_header_size);
constexpr std::uint8_t needs_checksum = 1;
constexpr std::uint8_t gso_none = 0, gso_tcp4 = 1, gso_tcp6 = 4, gso_ecn = 0x80;

std::uint16_t get16(const std::uint8_t* at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }
void put16(std::uint8_t* at, std::size_t value)
{
    at[0] = static_cast<std::uint8_t>(value >> 8 & 0xff);
    at[1] = static_cast<std::uint8_t>(value & 0xff);
}
std::uint32_t get32(const std::uint8_t* at) { return std::uint32_t{get16(at)} << 16 | get16(at + 2); }
void put32(std::uint8_t* at, std::uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

// One's complement sum (RFC 1071), folded, not inverted.
std::uint16_t sum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0)
{
    std::uint64_t total = start;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
        total += get16(&bytes[i]);
    if (bytes.size() % 2 == 1) total += static_cast<std::uint32_t>(bytes.back() << 8);
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return static_cast<std::uint16_t>(total);
}

std::unexpected<Error> no_packet(const char* why)
{
    return fail(Error::Kind::Malformed, std::string("a packet ") + why);
}

Offload offload_of(std::span<const std::uint8_t> packet)
{
    Offload header;
    std::memcpy(&header, packet.data(), sizeof header);
    return header;
}

struct Layers {
    bool six = false;
    std::size_t ip = 0; // bytes of the IP header
};

Result<Layers> layers_of(std::span<const std::uint8_t> ip)
{
    if (ip.empty()) return no_packet("without an IP header");
    const unsigned version = ip[0] >> 4;
    if (version == 6 && ip.size() >= v6_header) return Layers{true, v6_header};
    const std::size_t length = (ip[0] & 0xfU) * 4U;
    if (version == 4 && length >= v4_header && ip.size() >= length) return Layers{false, length};
    return no_packet("that is neither IPv4 nor IPv6");
}

// Lengths and identification of an IP header in front of `rest` bytes.
void mend_ip(std::uint8_t* ip, const Layers& layers, std::size_t rest, std::size_t skipped)
{
    if (layers.six) return put16(ip + 4, rest);
    put16(ip + 2, layers.ip + rest);
    put16(ip + 4, get16(ip + 4) + skipped); // each segment would have had its own
    put16(ip + 10, 0);
    put16(ip + 10, static_cast<std::uint16_t>(~sum({ip, layers.ip})));
}

// What offload expects in the checksum field: the pseudo header's sum.
std::uint16_t pseudo_sum(const std::uint8_t* ip, const Layers& layers, std::size_t rest)
{
    const std::span<const std::uint8_t> addresses = layers.six ? std::span(ip + 8, 32) : std::span(ip + 12, 8);
    return sum(addresses, static_cast<std::uint32_t>(rest) + tcp);
}

void mend_tcp(std::uint8_t* segment, std::size_t skipped_bytes, bool first, bool last)
{
    put32(segment + 4, get32(segment + 4) + static_cast<std::uint32_t>(skipped_bytes));
    if (!last) segment[13] = static_cast<std::uint8_t>(segment[13] & ~(fin | psh));
    if (!first) segment[13] = static_cast<std::uint8_t>(segment[13] & ~cwr);
}

} // namespace

Result<Shape> shape_of(std::span<const std::uint8_t> packet)
{
    if (packet.size() <= virtio_header_size) return no_packet("shorter than its offload header");
    const Offload offload = offload_of(packet);
    const auto ip = packet.subspan(virtio_header_size);
    const Layers layers = TRY(layers_of(ip));
    const unsigned kind = offload.gso_type & ~unsigned{gso_ecn};
    if (kind == gso_none) return Shape{ip.size(), 0, 0};
    if (kind != gso_tcp4 && kind != gso_tcp6) return no_packet("of an offload we did not ask for");
    if (ip.size() < layers.ip + tcp_header || offload.gso_size == 0) return no_packet("cut short");
    const std::size_t headers = layers.ip + (ip[layers.ip + 12] >> 4) * 4U;
    if (headers < layers.ip + tcp_header || ip.size() <= headers) return no_packet("cut short");
    // Extension headers of IPv6 would stand in between: then csum_start, which the kernel sets, says otherwise.
    if ((offload.flags & needs_checksum) != 0 && offload.csum_start != layers.ip) return Shape{ip.size(), 0, 0};
    return Shape{headers, ip.size() - headers, offload.gso_size};
}

std::vector<std::uint8_t> cut(std::span<const std::uint8_t> packet, const Shape& shape, std::size_t from,
                              std::size_t to)
{
    if (from == 0 && to >= shape.count()) return {packet.begin(), packet.end()};
    const std::size_t begin = from * shape.segment;
    const std::size_t end = to >= shape.count() ? shape.payload : to * shape.segment;
    const auto headers = packet.first(virtio_header_size + shape.headers);
    const auto payload = packet.subspan(headers.size()).subspan(begin, end - begin);
    std::vector<std::uint8_t> piece(headers.begin(), headers.end());
    piece.insert(piece.end(), payload.begin(), payload.end());

    std::uint8_t* const ip = piece.data() + virtio_header_size;
    const Layers layers = layers_of(packet.subspan(virtio_header_size)).value_or(Layers{});
    const std::size_t rest = shape.headers - layers.ip + payload.size();
    mend_ip(ip, layers, rest, from);
    mend_tcp(ip + layers.ip, begin, from == 0, to >= shape.count());
    put16(ip + layers.ip + 16, pseudo_sum(ip, layers, rest));

    Offload offload = offload_of(packet);
    offload.flags = needs_checksum;
    offload.csum_start = static_cast<std::uint16_t>(layers.ip);
    offload.csum_offset = 16; // of the checksum in a TCP header
    if (payload.size() <= shape.segment) {
        offload.gso_type = gso_none;
        offload.gso_size = 0;
    }
    std::memcpy(piece.data(), &offload, sizeof offload);
    return piece;
}

} // namespace netwright::lab
