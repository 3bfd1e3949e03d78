// SPDX-License-Identifier: GPL-2.0-or-later
// Super-packets cut into segments: the pieces hold all bytes once, and their headers are what the stack would have
// made.
#include "lab/super_packet.h"

#include <doctest/doctest.h>

#include <numeric>

using namespace netwright;
using namespace netwright::lab;

namespace {

using Bytes8 = std::vector<std::uint8_t>;

void put16(Bytes8& bytes, std::size_t at, std::size_t value)
{
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}
std::size_t get16(const Bytes8& bytes, std::size_t at) { return bytes[at] * 256U + bytes[at + 1]; }

std::uint16_t folded(const Bytes8& bytes, std::size_t from, std::size_t to, std::uint32_t start = 0)
{
    std::uint32_t sum = start;
    for (std::size_t i = from; i < to; ++i)
        sum += i % 2 == from % 2 ? bytes[i] * 256U : bytes[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

constexpr std::size_t virtio = virtio_header_size;

// A virtio-net header, IP, TCP with `payload` bytes 0, 1, 2, …
Bytes8 super_packet(bool six, std::size_t payload, std::uint16_t segment)
{
    const std::size_t ip = six ? 40 : 20;
    Bytes8 packet(virtio + ip + 20 + payload);
    packet[0] = 1; // needs a checksum
    packet[1] = six ? 4 : 1;
    packet[4] = static_cast<std::uint8_t>(segment);
    packet[5] = static_cast<std::uint8_t>(segment >> 8);
    packet[6] = static_cast<std::uint8_t>(ip);
    packet[8] = 16;
    packet[virtio] = six ? 0x60 : 0x45;
    put16(packet, virtio + (six ? 4 : 2), (six ? 0 : ip) + 20 + payload);
    if (!six) {
        put16(packet, virtio + 4, 0xfffe); // identification, about to wrap
        packet[virtio + 9] = 6;
    }
    for (std::size_t i = 0; i < (six ? 32U : 8U); ++i)
        packet[virtio + (six ? 8 : 12) + i] = static_cast<std::uint8_t>(i * 7 + 1);
    packet[virtio + ip + 4] = 0xff; // sequence number 0xffffff00, about to wrap
    packet[virtio + ip + 5] = 0xff;
    packet[virtio + ip + 6] = 0xff;
    packet[virtio + ip + 12] = 0x50;
    packet[virtio + ip + 13] = 0x99; // CWR, ACK, PSH, FIN
    std::iota(packet.begin() + static_cast<std::ptrdiff_t>(virtio + ip + 20), packet.end(), std::uint8_t{0});
    return packet;
}

} // namespace

TEST_CASE("a super-packet knows its segments")
{
    const Bytes8 packet = super_packet(false, 3000, 1448);
    const auto shape = shape_of(packet);
    REQUIRE(shape);
    CHECK(shape->count() == 3);
    CHECK(shape->size_of(0) == 1488);
    CHECK(shape->size_of(2) == 40 + 104);
    Bytes8 plain = super_packet(false, 100, 0);
    plain[1] = 0;
    CHECK(shape_of(plain)->count() == 1);
    CHECK(shape_of(plain)->size_of(0) == 140);
}

TEST_CASE("pieces hold every byte once, with lengths, numbers, flags and checksums of their own")
{
    for (const bool six : {false, true}) {
        CAPTURE(six);
        const std::size_t ip = six ? 40 : 20;
        const Bytes8 packet = super_packet(six, 5000, 1000);
        const auto shape = shape_of(packet);
        REQUIRE(shape);
        REQUIRE(shape->count() == 5);
        Bytes8 payload;
        for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{0, 1}, {1, 3}, {3, 5}}) {
            CAPTURE(from);
            const Bytes8 piece = cut(packet, *shape, from, to);
            payload.insert(payload.end(), piece.begin() + static_cast<std::ptrdiff_t>(virtio + ip + 20), piece.end());
            const std::size_t rest = piece.size() - virtio - ip;
            CHECK(get16(piece, virtio + (six ? 4 : 2)) == (six ? 0 : ip) + rest);
            const std::size_t tcp = virtio + ip;
            const std::uint32_t sequence =
                static_cast<std::uint32_t>(get16(piece, tcp + 4) << 16 | get16(piece, tcp + 6));
            CHECK(sequence == static_cast<std::uint32_t>(0xffffff00U + 1000 * from));
            CHECK((piece[tcp + 13] & 0x80) == (from == 0 ? 0x80 : 0)); // CWR on the first
            CHECK((piece[tcp + 13] & 0x09) == (to == 5 ? 0x09 : 0));   // PSH and FIN on the last
            if (!six) {
                CHECK(get16(piece, virtio + 4) == ((0xfffe + from) & 0xffff));
                CHECK(folded(piece, virtio, virtio + ip) == 0xffff);
            }
            const std::size_t addresses = virtio + (six ? 8 : 12);
            CHECK(get16(piece, tcp + 16) ==
                  folded(piece, addresses, addresses + (six ? 32 : 8), static_cast<std::uint32_t>(6 + rest)));
            CHECK(piece[0] == 1);
            CHECK(piece[1] == (to - from == 1 ? 0 : packet[1])); // one segment is no super-packet
            CHECK(get16(piece, 4) == (to - from == 1 ? 0 : get16(packet, 4)));
        }
        CHECK(payload == Bytes8(packet.begin() + static_cast<std::ptrdiff_t>(virtio + ip + 20), packet.end()));
        CHECK(cut(packet, *shape, 0, 5) == packet);
    }
}

TEST_CASE("what is no packet is refused")
{
    CHECK_FALSE(shape_of({}));
    CHECK_FALSE(shape_of(Bytes8(virtio)));
    CHECK_FALSE(shape_of(Bytes8(100)));
    const Bytes8 good = super_packet(false, 3000, 1448);
    for (std::size_t length = 0; length < virtio + 40; ++length)
        CHECK_FALSE(shape_of(std::span(good).first(length)));
    Bytes8 headers = good;
    headers[virtio + 20 + 12] = 0x20; // a TCP header of 8 bytes
    CHECK_FALSE(shape_of(headers));
    Bytes8 kind = good;
    kind[1] = 3; // UDP
    CHECK_FALSE(shape_of(kind));
    Bytes8 nothing = good;
    nothing[4] = nothing[5] = 0;
    CHECK_FALSE(shape_of(nothing));
}
