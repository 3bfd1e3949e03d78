// SPDX-License-Identifier: GPL-2.0-or-later
// Building the IPv4 trie: short prefixes are painted first, longer ones over them.
//
// Long prefixes are taken one /24 at a time, so a million of them need 256 bytes of scratch and one sort. A /24 that
// knows two lists becomes one cache line (a bit for each address), any other four (a byte for each).
#include "dataplane/prefix.h"

#include <algorithm>
#include <cstring>
#include <functional>

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

using Addresses = std::array<std::uint8_t, 256>; // the list of each

std::uint32_t bits_leaf(PrefixTrie& trie, const Addresses& lists, std::uint8_t inside)
{
    trie_leaf leaf{};
    leaf.inside = inside;
    for (unsigned i = 0; i < 256; ++i) {
        if (lists.at(i) == inside)
            leaf.bits[i >> 6] |= std::uint64_t{1} << (i & 63);
        else
            leaf.outside = lists.at(i);
    }
    trie.leaves.push_back(leaf);
    return word(TRIE_BITS, trie.leaves.size() - 1);
}

std::uint32_t leaf_of(PrefixTrie& trie, const Addresses& lists)
{
    const std::uint8_t first = lists[0];
    const auto other = std::ranges::find_if(lists, [&](std::uint8_t list) { return list != first; });
    if (other == lists.end()) return word(TRIE_LIST, first);
    if (std::ranges::all_of(lists, [&](std::uint8_t list) { return list == first || list == *other; }))
        return bits_leaf(trie, lists, *other);
    const std::size_t begin = trie.leaves.size();
    trie.leaves.resize(begin + 4);
    for (std::size_t i = 0; i < 4; ++i)
        std::memcpy(trie.leaves[begin + i].list, lists.data() + i * 64, 64);
    return word(TRIE_BYTES, begin);
}

// `group`: the prefixes longer than 24 bits in one /24, shorter ones first.
void paint_long(PrefixTrie& trie, std::span<const Painted> group)
{
    trie_middle& page = page_of(trie, group.front().address);
    std::uint32_t& place = page.word[group.front().address >> 8 & 255];
    Addresses lists{};
    lists.fill(static_cast<std::uint8_t>(TRIE_INDEX(place))); // painted by a shorter prefix, or 0
    for (const Painted& prefix : group)
        std::fill_n(lists.begin() + (prefix.address & 255), std::size_t{1} << (32 - prefix.length), prefix.list);
    place = leaf_of(trie, lists);
}

} // namespace

PrefixTrie make_trie(std::span<const ListedPrefix> prefixes)
{
    std::vector<Painted> shorter, longer;
    for (const ListedPrefix& listed : prefixes) {
        if (listed.prefix.ipv6) continue;
        const auto length = static_cast<std::uint8_t>(listed.prefix.length);
        (length <= 24 ? shorter : longer).push_back({ipv4_of(listed.prefix), length, listed.list});
    }
    PrefixTrie trie;
    trie.root.resize(TRIE_ROOT);
    std::ranges::stable_sort(shorter, {}, &Painted::length);
    for (const Painted& prefix : shorter)
        paint_short(trie, prefix);
    const auto place = [](const Painted& prefix) { return std::uint64_t{prefix.address >> 8} << 8 | prefix.length; };
    std::ranges::stable_sort(longer, {}, place);
    for (auto at = longer.begin(); at != longer.end();) {
        const auto end = std::find_if(at, longer.end(),
                                      [&](const Painted& prefix) { return prefix.address >> 8 != at->address >> 8; });
        paint_long(trie, {at, end});
        at = end;
    }
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
