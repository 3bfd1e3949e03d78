// SPDX-License-Identifier: GPL-2.0-or-later
// Frames by the hundred thousand: mostly right, often slightly wrong, always the same for one seed.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace netwright::test {

class PacketMaker {
public:
    explicit PacketMaker(std::uint32_t seed) : random_(seed) {}

    std::vector<std::uint8_t> frame()
    {
        bytes_.clear();
        for (int i = 0; i < 12; ++i)
            put(pick(256));
        const bool ipv6 = one_in(2);
        for (unsigned tags = one_in(4) ? pick(3) : 0; tags > 0; --tags) {
            put16(one_in(2) ? 0x8100 : 0x88a8);
            put16(pick(65536));
        }
        put16(one_in(50) ? pick(65536) : ipv6 ? 0x86dd : 0x0800);
        ipv6 ? put_ipv6() : put_ipv4();
        if (one_in(4)) corrupt();
        if (one_in(8)) cut();
        if (bytes_.size() < 14) bytes_.resize(14);
        return bytes_;
    }

private:
    bool one_in(unsigned n) { return pick(n) == 0; }
    unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
    unsigned any(std::initializer_list<unsigned> of) { return of.begin()[pick(static_cast<unsigned>(of.size()))]; }
    void put(unsigned byte) { bytes_.push_back(static_cast<std::uint8_t>(byte)); }
    void put16(unsigned value)
    {
        put(value >> 8 & 255);
        put(value & 255);
    }
    void set16(std::size_t at, std::size_t value)
    {
        bytes_[at] = static_cast<std::uint8_t>(value >> 8);
        bytes_[at + 1] = static_cast<std::uint8_t>(value);
    }

    void put_address4()
    {
        put(any({10, 10, 192, 203, 0, 127, 224, 255}));
        put(any({0, 1, 255, pick(256)}));
        put(any({0, 2, 255, pick(256)}));
        put(any({0, 1, 128, 255, pick(256)}));
    }
    void put_address6()
    {
        const unsigned form = pick(6);
        for (unsigned i = 0; i < 16; ++i) {
            unsigned byte = i < 2 ? any({0x20, 0x01}) : i < 4 ? any({0x0d, 0xb8}) : any({0, 0, 1, pick(256)});
            if (form == 0) byte = i == 0 ? 0xff : byte;
            if (form == 1) byte = i == 15 ? pick(2) : 0;
            if (form == 2) byte = i < 10 ? 0 : i < 12 ? 0xff : byte;
            put(byte);
        }
    }

    void put_ipv4()
    {
        const std::size_t begin = bytes_.size();
        const unsigned options = one_in(6) ? pick(11) : 0;
        const unsigned protocol = any({6, 6, 17, 17, 1, 58, 47, pick(256)});
        put(0x40 + 5 + options);
        put(pick(256));
        put16(0);
        put16(pick(65536));
        put16(one_in(5) ? pick(65536) : one_in(2) ? 0x4000 : 0);
        put(any({1, 64, 128, 255, pick(256)}));
        put(protocol);
        put16(0);
        put_address4();
        put_address4();
        for (unsigned i = 0; i < options * 4; ++i)
            put(pick(256));
        put_transport(protocol, 1);
        set16(begin + 2, bytes_.size() - begin);
    }

    void put_ipv6()
    {
        const std::size_t begin = bytes_.size();
        put16(0x6000);
        put16(0);
        put16(0);
        put(0);
        put(any({1, 64, 255, pick(256)}));
        put_address6();
        put_address6();
        std::size_t next = begin + 6;
        for (unsigned headers = one_in(2) ? pick(8) : 0; headers > 0; --headers)
            next = put_extension(next);
        const unsigned protocol = any({6, 6, 17, 17, 58, 1, 59, pick(256)});
        bytes_[next] = static_cast<std::uint8_t>(protocol);
        put_transport(protocol, 58);
        set16(begin + 4, bytes_.size() - begin - 40);
    }

    std::size_t put_extension(std::size_t next)
    {
        const unsigned kind = any({0, 43, 44, 51, 60, 135, 139, 140});
        bytes_[next] = static_cast<std::uint8_t>(kind);
        const std::size_t begin = bytes_.size();
        const unsigned extra = one_in(2) ? pick(3) : 0;
        put(59);
        put(kind == 44 ? pick(256) : kind == 51 ? 2 * extra + (one_in(2) ? 1 : 0) : extra);
        const std::size_t size = kind == 44   ? 8
                                 : kind == 51 ? (bytes_[begin + 1] + 2U) * 4
                                              : (bytes_[begin + 1] + 1U) * 8;
        while (bytes_.size() < begin + size)
            put(one_in(2) ? 0 : pick(256));
        return begin;
    }

    void put_transport(unsigned protocol, unsigned icmp)
    {
        const std::size_t begin = bytes_.size();
        const unsigned payload = one_in(2) ? pick(40) : 0;
        if (protocol == 6) put_tcp();
        if (protocol == 17) {
            put16(port());
            put16(port());
            put16(8 + payload + (one_in(6) ? pick(4) : 0));
            put16(0);
        }
        if (protocol == icmp) {
            put(any({0, 3, 8, 128, 129, 135, pick(256)}));
            put(any({0, 1, pick(256)}));
            for (int i = 0; i < 6; ++i)
                put(pick(256));
        }
        for (unsigned i = 0; i < payload; ++i)
            put(pick(256));
        if (one_in(10)) bytes_.resize(begin + pick(static_cast<unsigned>(bytes_.size() - begin + 1)));
    }

    void put_tcp()
    {
        const unsigned options = one_in(2) ? pick(11) : 0;
        put16(port());
        put16(port());
        for (int i = 0; i < 8; ++i)
            put(pick(256));
        put((5 + options) << 4);
        put(any({2, 16, 18, 24, 17, 4, 0, 41, 3, 6, pick(256)}));
        for (int i = 0; i < 6; ++i)
            put(pick(256));
        for (unsigned i = 0; i < options * 4; ++i)
            put(any({0, 1, 1, 1, 2, 3, 4, 8, 34, 254, 0xf9, 0x89, pick(256)}));
    }
    unsigned port() { return any({0, 22, 53, 80, 443, 123, 1024, 65535, pick(65536)}); }

    void corrupt()
    {
        for (unsigned times = 1 + pick(3); times > 0; --times)
            bytes_[12 + pick(static_cast<unsigned>(bytes_.size() - 12))] = static_cast<std::uint8_t>(pick(256));
    }
    void cut() { bytes_.resize(14 + pick(static_cast<unsigned>(bytes_.size() - 13))); }

    std::mt19937 random_;
    std::vector<std::uint8_t> bytes_;
};

} // namespace netwright::test
