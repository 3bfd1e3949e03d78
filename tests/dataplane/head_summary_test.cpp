// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/filter_samples.h"

#include <doctest/doctest.h>

using namespace netwright::dataplane;

namespace {

using Head = std::vector<std::uint8_t>;

// An Ethernet header with tags, and what follows.
Head head_of(unsigned tags, std::initializer_list<std::uint8_t> type, std::initializer_list<std::uint8_t> rest)
{
    Head head(12);
    for (unsigned i = 0; i < tags; ++i)
        head.insert(head.end(), {0x81, 0, 0, 5});
    head.insert(head.end(), type);
    head.insert(head.end(), rest);
    return head;
}

} // namespace

TEST_CASE("a packet's head is told in words, with tags and without")
{
    const auto tcp = {std::uint8_t{0x45}, std::uint8_t{0},    std::uint8_t{0},    std::uint8_t{40},  std::uint8_t{0},
                      std::uint8_t{0},    std::uint8_t{0},    std::uint8_t{0},    std::uint8_t{64},  std::uint8_t{6},
                      std::uint8_t{0},    std::uint8_t{0},    std::uint8_t{10},   std::uint8_t{0},   std::uint8_t{0},
                      std::uint8_t{1},    std::uint8_t{10},   std::uint8_t{0},    std::uint8_t{0},   std::uint8_t{2},
                      std::uint8_t{0x9c}, std::uint8_t{0x40}, std::uint8_t{0},    std::uint8_t{80},  std::uint8_t{0},
                      std::uint8_t{0},    std::uint8_t{0},    std::uint8_t{0},    std::uint8_t{0},   std::uint8_t{0},
                      std::uint8_t{0},    std::uint8_t{0},    std::uint8_t{0x50}, std::uint8_t{0x12}};
    for (const unsigned tags : {0U, 1U, 2U})
        CHECK(head_summary(head_of(tags, {8, 0}, tcp)) == "10.0.0.1:40000 > 10.0.0.2:80 tcp syn ack");
    Head udp = head_of(0, {8, 0}, tcp);
    udp[23] = 17;
    CHECK(head_summary(udp) == "10.0.0.1:40000 > 10.0.0.2:80 udp");
    udp[23] = 47;
    CHECK(head_summary(udp) == "10.0.0.1 > 10.0.0.2 protocol 47");
    udp[21] = 1;
    CHECK(head_summary(udp) == "10.0.0.1 > 10.0.0.2 later fragment");
    Head six = head_of(0, {0x86, 0xdd}, {0x60, 0, 0, 0, 0, 8, 58, 64});
    six.resize(14 + 40);
    six[14 + 23] = six[14 + 39] = 1;
    six.insert(six.end(), {135, 0});
    CHECK(head_summary(six) == "::1 > ::1 icmpv6 135/0");
    CHECK(head_summary(head_of(0, {8, 6}, {})) == "ethertype 0x0806");
}

TEST_CASE("a head that is cut anywhere is told as far as it goes, and never read beyond")
{
    Head whole = head_of(2, {0x86, 0xdd}, {0x60, 0, 0, 0, 0, 20, 6, 64});
    whole.resize(14 + 8 + 40 + 20);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        const Head cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(head_summary(cut).empty());
    }
    CHECK(head_summary({}) == "cut Ethernet");
    CHECK(head_summary(head_of(0, {8, 0}, {0x4f})) == "cut IPv4");
    Head lying = head_of(0, {8, 0}, {0x4f}); // a header of 60 bytes, of which there are 20
    lying.resize(14 + 20);
    lying[23] = 6;
    CHECK(head_summary(lying) == "0.0.0.0 > 0.0.0.0 protocol 6");
}
