// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_vip_lines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>

using namespace netwright::dataplane;

namespace {

lb_vip numbered(std::size_t number)
{
    lb_vip vip{};
    vip.row = static_cast<std::uint32_t>(number + 1);
    return vip;
}

// The row of the VIP that a key finds; 0: none.
std::uint32_t found4(const std::vector<lb_vip_line4>& table, const lb_vip_lines& lines, const lb_vip_key4& key)
{
    __u64 word = 0;
    std::memcpy(&word, &key, sizeof word);
    const lb_vip_line4& line = table.at(lb_vip_line(&word, LB_KEY_WORDS4, &lines));
    const auto* const place = std::ranges::find(line.key, word);
    return place == std::end(line.key) ? 0 : line.vip[place - line.key].row;
}

std::uint32_t found6(const std::vector<lb_vip_line6>& table, const lb_vip_lines& lines, const lb_vip_key6& key)
{
    __u64 words[LB_KEY_WORDS6];
    std::memcpy(words, &key, sizeof words);
    const lb_vip_line6& line = table.at(lb_vip_line(words, LB_KEY_WORDS6, &lines));
    for (int place = 0; place < LB_PLACES6; ++place)
        if (std::ranges::equal(line.key[place], words)) return line.vip[place].row;
    return 0;
}

lb_vip_key4 key4(std::uint32_t address, std::uint16_t port) { return {address, port, 6, 0}; }
lb_vip_key6 key6(std::uint32_t address, std::uint16_t port) { return {{0xb80d0120, 0, 0, address}, port, 6, {}}; }

} // namespace

TEST_CASE("every VIP is found by its key, and nothing by another's")
{
    std::mt19937 random(7);
    for (const std::size_t count : {0U, 1U, 2U, 5U, 64U, 512U, 8192U}) {
        CAPTURE(count);
        std::vector<lb_vip_key4> keys4;
        std::vector<lb_vip_key6> keys6;
        std::vector<lb_vip> vips;
        for (std::size_t i = 0; i < count; ++i) {
            // Addresses in a row, as they are given out, and the two keys that one VIP has.
            const auto address =
                static_cast<std::uint32_t>(__builtin_bswap32(0xc0000200 + static_cast<std::uint32_t>(i) / 2));
            keys4.push_back(key4(address, i % 2 ? 443 : 0));
            keys6.push_back(key6(address, i % 2 ? 443 : 0));
            vips.push_back(numbered(i));
        }
        lb_vip_lines lines4{}, lines6{};
        const auto table4 = make_vip_lines4(keys4, vips, lines4);
        const auto table6 = make_vip_lines6(keys6, vips, lines6);
        CHECK(table4.size() <= std::max<std::size_t>(2, count * 16));
        CHECK(table6.size() <= std::max<std::size_t>(2, count * 16));
        for (std::size_t i = 0; i < count; ++i) {
            REQUIRE(found4(table4, lines4, keys4[i]) == i + 1);
            REQUIRE(found6(table6, lines6, keys6[i]) == i + 1);
        }
        for (int i = 0; i < 1000; ++i) {
            const auto address = static_cast<std::uint32_t>(random());
            REQUIRE(found4(table4, lines4, key4(address, 80)) == 0);
            REQUIRE(found6(table6, lines6, key6(address, 80)) == 0);
        }
    }
}
