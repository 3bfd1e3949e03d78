// SPDX-License-Identifier: GPL-2.0-or-later
// Factors are tried until no line holds more keys than it has places; where that takes too many, with more lines.
#include "dataplane/lb_vip_lines.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <random>

namespace netwright::dataplane {
namespace {

constexpr unsigned tries = 64; // with so many lines

template <std::size_t Words>
using Key = std::array<__u64, Words>;

// How many keys each line got; empty: one of them too many.
template <std::size_t Words>
std::vector<std::uint8_t> filled(const std::vector<Key<Words>>& keys, const lb_vip_lines& lines, std::size_t places)
{
    std::vector<std::uint8_t> used(std::size_t{1} << (64 - lines.shift));
    for (const Key<Words>& key : keys)
        if (++used[lb_vip_line(key.data(), static_cast<int>(Words), &lines)] > places) return {};
    return used;
}

template <std::size_t Words>
lb_vip_lines find_factors(const std::vector<Key<Words>>& keys, std::size_t places)
{
    std::mt19937_64 random(keys.size()); // who can send packets gains nothing from knowing the factors: keys are fixed
    lb_vip_lines lines{};
    lines.shift = 63 - static_cast<unsigned>(std::bit_width(keys.size() / places));
    for (unsigned count = 1;; ++count) {
        for (std::size_t i = 0; i < Words; ++i)
            lines.factor[i] = random() | 1;
        if (!filled(keys, lines, places).empty()) return lines;
        if (count % tries == 0) --lines.shift;
    }
}

template <std::size_t Words, class Wanted>
std::vector<Key<Words>> words_of(std::span<const Wanted> keys)
{
    static_assert(sizeof(Wanted) == sizeof(Key<Words>));
    std::vector<Key<Words>> words(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
        std::memcpy(words[i].data(), &keys[i], sizeof(Wanted));
    return words;
}

void put_key(lb_vip_line4& line, std::size_t place, const Key<LB_KEY_WORDS4>& key) { line.key[place] = key[0]; }
void put_key(lb_vip_line6& line, std::size_t place, const Key<LB_KEY_WORDS6>& key)
{
    std::ranges::copy(key, line.key[place]);
}

template <class Line, std::size_t Words>
std::vector<Line> make_lines(const std::vector<Key<Words>>& keys, std::span<const lb_vip> vips, std::size_t places,
                             lb_vip_lines& lines)
{
    lines = find_factors(keys, places);
    std::vector<Line> table(std::size_t{1} << (64 - lines.shift));
    std::vector<std::uint8_t> used(table.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::uint64_t at = lb_vip_line(keys[i].data(), static_cast<int>(Words), &lines);
        const std::size_t place = used[at]++;
        put_key(table[at], place, keys[i]);
        table[at].vip[place] = vips[i];
    }
    return table;
}

} // namespace

std::vector<lb_vip_line4> make_vip_lines4(std::span<const lb_vip_key4> keys, std::span<const lb_vip> vips,
                                          lb_vip_lines& lines)
{
    return make_lines<lb_vip_line4>(words_of<LB_KEY_WORDS4>(keys), vips, LB_PLACES4, lines);
}

std::vector<lb_vip_line6> make_vip_lines6(std::span<const lb_vip_key6> keys, std::span<const lb_vip> vips,
                                          lb_vip_lines& lines)
{
    return make_lines<lb_vip_line6>(words_of<LB_KEY_WORDS6>(keys), vips, LB_PLACES6, lines);
}

} // namespace netwright::dataplane
