// SPDX-License-Identifier: GPL-2.0-or-later
// Building the IPv4 trie: short prefixes are painted first, longer ones over them.
//
// Long prefixes are taken one /24 at a time, so a million of them need 256 bytes of scratch and one sort. A /24 that
// knows two lists becomes one cache line (a bit for each address), any other four (a byte for each).
#include "dataplane/prefix.h"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <numeric>
#include <ranges>

namespace netwright::dataplane {
namespace {

struct Painted {
    std::uint32_t address;
    std::uint8_t length, list;
};

std::uint32_t ipv4_of(const Prefix& prefix)
{
    const auto& a = prefix.address;
    return std::uint32_t{a[0]} << 24 | std::uint32_t{a[1]} << 16 | std::uint32_t{a[2]} << 8 | a[3];
}

std::uint32_t word(std::uint32_t kind, std::size_t index) { return kind << 30 | static_cast<std::uint32_t>(index); }

// The middle page below a root word, made from what the word said if there is none yet.
trie_middle& page_of(PrefixTrie& trie, std::uint32_t address)
{
    std::uint32_t& root = trie.root[address >> 16];
    if (TRIE_KIND(root) == TRIE_LIST) {
        trie.middles.emplace_back();
        std::ranges::fill(trie.middles.back().word, root);
        root = word(TRIE_MIDDLE, trie.middles.size() - 1);
    }
    return trie.middles[TRIE_INDEX(root)];
}

void paint_short(PrefixTrie& trie, const Painted& prefix)
{
    if (prefix.length <= 16) {
        const auto first = trie.root.begin() + (prefix.address >> 16);
        std::fill_n(first, std::size_t{1} << (16 - prefix.length), word(TRIE_LIST, prefix.list));
        return;
    }
    trie_middle& page = page_of(trie, prefix.address);
    std::fill_n(page.word + (prefix.address >> 8 & 255), std::size_t{1} << (24 - prefix.length),
                word(TRIE_LIST, prefix.list));
}

// Which of a /24's addresses.
struct AddressSet {
    std::array<std::uint64_t, 4> bits{};
    void add(unsigned first, unsigned count)
    {
        for (unsigned left = count; left > 0;) { // prefixes do not cross words, or fill them
            const unsigned here = std::min(left, 64U);
            bits.at(first >> 6) |= (here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1) << (first & 63);
            first += here;
            left -= here;
        }
    }
    bool all() const { return (bits[0] & bits[1] & bits[2] & bits[3]) == ~std::uint64_t{0}; }
};

std::uint32_t bits_leaf(PrefixTrie& trie, const AddressSet& set, std::uint8_t inside, std::uint8_t outside)
{
    if (set.all() || inside == outside) return word(TRIE_LIST, inside);
    trie_leaf& leaf = trie.leaves.emplace_back();
    std::ranges::copy(set.bits, leaf.bits);
    leaf.inside = inside;
    leaf.outside = outside;
    return word(TRIE_BITS, trie.leaves.size() - 1);
}

using Addresses = std::array<std::uint8_t, 256>; // the list of each

std::uint32_t leaf_of(PrefixTrie& trie, const Addresses& lists)
{
    const std::uint8_t first = lists[0];
    const auto other = std::ranges::find_if(lists, [&](std::uint8_t list) { return list != first; });
    if (other == lists.end()) return word(TRIE_LIST, first);
    if (std::ranges::all_of(lists, [&](std::uint8_t list) { return list == first || list == *other; })) {
        AddressSet set;
        for (unsigned i = 0; i < 256; ++i)
            if (lists.at(i) == *other) set.add(i, 1);
        return bits_leaf(trie, set, *other, first);
    }
    const std::size_t begin = trie.leaves.size();
    trie.leaves.resize(begin + 4);
    for (std::size_t i = 0; i < 4; ++i)
        std::memcpy(trie.leaves[begin + i].list, lists.data() + i * 64, 64);
    return word(TRIE_BYTES, begin);
}

unsigned addresses_of(const Painted& prefix) { return 1U << (32 - prefix.length); }

// `group`: the prefixes longer than 24 bits in one /24, shorter ones first. Mostly they are of one list.
void paint_long(PrefixTrie& trie, std::span<const Painted> group)
{
    trie_middle& page = page_of(trie, group.front().address);
    std::uint32_t& place = page.word[group.front().address >> 8 & 255];
    const auto around = static_cast<std::uint8_t>(TRIE_INDEX(place)); // painted by a shorter prefix, or 0
    const std::uint8_t list = group.front().list;
    if (std::ranges::all_of(group, [&](const Painted& prefix) { return prefix.list == list; })) {
        AddressSet set;
        for (const Painted& prefix : group)
            set.add(prefix.address & 255, addresses_of(prefix));
        place = bits_leaf(trie, set, list, around);
        return;
    }
    Addresses lists{};
    lists.fill(around);
    for (const Painted& prefix : group)
        std::fill_n(lists.begin() + (prefix.address & 255), addresses_of(prefix), prefix.list);
    place = leaf_of(trie, lists);
}

std::uint32_t block_of(const Painted& prefix) { return prefix.address >> 8; }

// Two counting sorts, by the lower and the upper half of the /24's number: linear, and equal ones keep their order.
void sort_by_block(std::vector<Painted>& prefixes)
{
    std::vector<Painted> moved(prefixes.size());
    for (const unsigned shift : {0U, 12U}) {
        const auto digit = [&](const Painted& prefix) { return block_of(prefix) >> shift & 0xfff; };
        std::vector<std::size_t> place(0x1001);
        for (const Painted& prefix : prefixes)
            ++place[digit(prefix) + 1];
        std::partial_sum(place.begin(), place.end(), place.begin());
        for (const Painted& prefix : prefixes)
            moved[place[digit(prefix)]++] = prefix;
        prefixes.swap(moved);
    }
}

// One /24 after the other.
void paint_all_long(PrefixTrie& trie, std::vector<Painted>& longer)
{
    if (!std::ranges::is_sorted(longer, {}, block_of)) sort_by_block(longer);
    std::size_t blocks = 0;
    for (std::size_t i = 0; i < longer.size(); ++i)
        blocks += i == 0 || block_of(longer[i]) != block_of(longer[i - 1]);
    trie.leaves.reserve(blocks); // enough where each knows two lists
    for (auto at = longer.begin(); at != longer.end();) {
        const auto end =
            std::find_if(at, longer.end(), [&](const Painted& prefix) { return block_of(prefix) != block_of(*at); });
        const std::ranges::subrange group(at, end);
        if (!std::ranges::is_sorted(group, {}, &Painted::length)) std::ranges::stable_sort(group, {}, &Painted::length);
        paint_long(trie, group);
        at = end;
    }
}

} // namespace

PrefixTrie make_trie(std::span<const ListedPrefix> prefixes)
{
    std::array<std::vector<Painted>, 25> shorter; // by length
    std::vector<Painted> longer;
    longer.reserve(prefixes.size());
    std::bitset<TRIE_ROOT> paged;
    for (const ListedPrefix& listed : prefixes) {
        if (listed.prefix.ipv6) continue;
        const auto length = static_cast<std::uint8_t>(listed.prefix.length);
        const std::uint32_t address = ipv4_of(listed.prefix);
        (length <= 24 ? shorter.at(length) : longer).push_back({address, length, listed.list});
        if (length > 16) paged.set(address >> 16);
    }
    PrefixTrie trie;
    trie.root.resize(TRIE_ROOT);
    trie.middles.reserve(paged.count());
    for (const auto& of_length : shorter)
        for (const Painted& prefix : of_length)
            paint_short(trie, prefix);
    paint_all_long(trie, longer);
    return trie;
}

std::uint8_t PrefixTrie::list_of(std::uint32_t address) const
{
    std::uint32_t found = root[address >> 16];
    if (TRIE_KIND(found) == TRIE_MIDDLE) found = middles[TRIE_INDEX(found)].word[address >> 8 & 255];
    if (TRIE_KIND(found) == TRIE_LIST) return static_cast<std::uint8_t>(found);
    const unsigned last = address & 255;
    if (TRIE_KIND(found) == TRIE_BYTES) return leaves[TRIE_INDEX(found) + (last >> 6)].list[last & 63];
    const trie_leaf& leaf = leaves[TRIE_INDEX(found)];
    return static_cast<std::uint8_t>(leaf.bits[last >> 6] >> (last & 63) & 1 ? leaf.inside : leaf.outside);
}

} // namespace netwright::dataplane
