// SPDX-License-Identifier: GPL-2.0-or-later
// Building the IPv4 trie: short prefixes are painted first, longer ones over them.
//
// One /16 after the other becomes a node; where it has prefixes of 17 to 24 bits it is painted on a page of 256 words
// first. A million prefixes need one sort. A /24 that knows two lists becomes one word where one of them has at most
// four addresses there, else one cache line (a bit for each address); any other four lines (a byte for each).
#include "dataplane/large.h"
#include "dataplane/prefix.h"

#include <algorithm>
#include <bit>
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

std::uint64_t wide(std::uint64_t kind, std::uint64_t index) { return kind << 62 | index; }

// The words of a /16's /24s, before those that say the same are left out.
using Page = std::array<std::uint64_t, 256>;

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
    int count() const
    {
        return std::popcount(bits[0]) + std::popcount(bits[1]) + std::popcount(bits[2]) + std::popcount(bits[3]);
    }
};

constexpr int few = 4;

// Places that are not needed name the first address again.
std::uint64_t few_word(const AddressSet& set, std::uint8_t inside, std::uint8_t outside)
{
    std::array<std::uint8_t, few> addresses{};
    std::size_t found = 0;
    for (std::size_t part = 0; part < set.bits.size(); ++part)
        for (std::uint64_t left = set.bits.at(part); left != 0; left &= left - 1)
            addresses.at(found++) =
                static_cast<std::uint8_t>(part * 64 + static_cast<unsigned>(std::countr_zero(left)));
    std::fill(addresses.begin() + static_cast<std::ptrdiff_t>(found), addresses.end(), addresses[0]);
    std::uint64_t index = std::uint64_t{inside} << TRIE_INSIDE | std::uint64_t{outside} << TRIE_OUTSIDE;
    for (std::size_t i = 0; i < addresses.size(); ++i)
        index |= std::uint64_t{addresses.at(i)} << (8 * i);
    return wide(TRIE_FEW, index);
}

std::uint64_t bits_word(PrefixTrie& trie, const AddressSet& set, std::uint8_t inside, std::uint8_t outside)
{
    const int count = set.count();
    if (count == 256 || inside == outside) return wide(TRIE_LIST, inside);
    if (count <= few) return few_word(set, inside, outside);
    trie_leaf& leaf = trie.leaves.emplace_back();
    std::ranges::copy(set.bits, leaf.bits);
    leaf.inside = inside;
    leaf.outside = outside;
    return wide(TRIE_BITS, trie.leaves.size() - 1);
}

using Addresses = std::array<std::uint8_t, 256>; // the list of each

std::uint64_t word_of(PrefixTrie& trie, const Addresses& lists)
{
    const std::uint8_t first = lists[0];
    const auto other = std::ranges::find_if(lists, [&](std::uint8_t list) { return list != first; });
    if (other == lists.end()) return wide(TRIE_LIST, first);
    if (std::ranges::all_of(lists, [&](std::uint8_t list) { return list == first || list == *other; })) {
        AddressSet set;
        for (unsigned i = 0; i < 256; ++i)
            if (lists.at(i) == *other) set.add(i, 1);
        return bits_word(trie, set, *other, first);
    }
    const std::size_t begin = trie.leaves.size();
    trie.leaves.resize(begin + 4);
    for (std::size_t i = 0; i < 4; ++i)
        std::memcpy(trie.leaves[begin + i].list, lists.data() + i * 64, 64);
    return wide(TRIE_BYTES, begin);
}

unsigned addresses_of(const Painted& prefix) { return 1U << (32 - prefix.length); }

// `group`: the prefixes longer than 24 bits in one /24, shorter ones first, which is in the list `around` otherwise.
// Mostly they are of one list.
std::uint64_t word_of_group(PrefixTrie& trie, std::span<const Painted> group, std::uint8_t around)
{
    const std::uint8_t list = group.front().list;
    if (std::ranges::all_of(group, [&](const Painted& prefix) { return prefix.list == list; })) {
        AddressSet set;
        for (const Painted& prefix : group)
            set.add(prefix.address & 255, addresses_of(prefix));
        return bits_word(trie, set, list, around);
    }
    Addresses lists{};
    lists.fill(around);
    for (const Painted& prefix : group)
        std::fill_n(lists.begin() + (prefix.address & 255), addresses_of(prefix), prefix.list);
    return word_of(trie, lists);
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

using Prefixes = std::span<Painted>;

// Cuts off the front as many as agree with its first.
Prefixes take_alike(Prefixes& left, std::uint32_t (*of)(const Painted&))
{
    const auto end = std::ranges::find_if(left, [&](const Painted& prefix) { return of(prefix) != of(left.front()); });
    const auto count = static_cast<std::size_t>(end - left.begin());
    const Prefixes taken = left.first(count);
    left = left.subspan(count);
    return taken;
}

std::uint32_t network_of(const Painted& prefix) { return prefix.address >> 16; }

// The list that most of a page says, where it says a list at all.
std::uint8_t most_said(const Page& page)
{
    std::array<unsigned, 256> said{};
    for (const std::uint64_t word : page)
        if (TRIE_WIDE_KIND(word) == TRIE_LIST) ++said.at(word & 255);
    return static_cast<std::uint8_t>(std::ranges::max_element(said) - said.begin());
}

// A node, from its first /24 to its last.
class NodeMaker {
public:
    NodeMaker(PrefixTrie& trie, std::uint8_t otherwise) : trie_(trie)
    {
        node_.otherwise = otherwise;
        node_.first = static_cast<std::uint32_t>(trie.words.size());
    }
    void add(std::size_t block, std::uint64_t word)
    {
        if (word == node_.otherwise) return;
        node_.bits[block / 64] |= std::uint64_t{1} << (block % 64);
        trie_.words.push_back(word);
    }
    // What is to stand in the root.
    std::uint32_t finish()
    {
        if (trie_.words.size() == node_.first) return node_.otherwise;
        for (std::size_t i = 1; i < std::size(node_.before); ++i)
            node_.before[i] = static_cast<std::uint8_t>(node_.before[i - 1] + std::popcount(node_.bits[i - 1]));
        trie_.nodes.push_back(node_);
        return std::uint32_t{TRIE_NODE} << 30 | static_cast<std::uint32_t>(trie_.nodes.size() - 1);
    }

private:
    PrefixTrie& trie_;
    trie_node node_{};
};

// Cuts the prefixes of one /24 off, shorter ones first.
Prefixes take_block(Prefixes& longer)
{
    const Prefixes group = take_alike(longer, block_of);
    if (!std::ranges::is_sorted(group, {}, &Painted::length)) std::ranges::stable_sort(group, {}, &Painted::length);
    return group;
}

std::uint32_t paint_few(PrefixTrie& trie, std::uint8_t around, Prefixes longer)
{
    NodeMaker node(trie, around);
    while (!longer.empty()) {
        const Prefixes group = take_block(longer);
        node.add(block_of(group.front()) & 255, word_of_group(trie, group, around));
    }
    return node.finish();
}

std::uint32_t paint_page(PrefixTrie& trie, std::uint8_t around, Prefixes shorter, Prefixes longer)
{
    Page page;
    page.fill(around);
    for (const Painted& prefix : shorter)
        std::fill_n(page.begin() + (block_of(prefix) & 255), std::size_t{1} << (24 - prefix.length),
                    wide(TRIE_LIST, prefix.list));
    while (!longer.empty()) {
        const Prefixes group = take_block(longer);
        std::uint64_t& place = page.at(block_of(group.front()) & 255);
        place = word_of_group(trie, group, static_cast<std::uint8_t>(place));
    }
    NodeMaker node(trie, most_said(page));
    for (std::size_t block = 0; block < page.size(); ++block)
        node.add(block, page.at(block));
    return node.finish();
}

// `shorter`: those of 17 to 24 bits in one /16, by length; `longer`: those beyond, by /24.
void paint_network(PrefixTrie& trie, std::uint32_t network, Prefixes shorter, Prefixes longer)
{
    std::uint32_t& root = trie.root[network];
    const auto around = static_cast<std::uint8_t>(root);
    root = shorter.empty() ? paint_few(trie, around, longer) : paint_page(trie, around, shorter, longer);
}

// Those of `left` that are in this /16, if its first are.
Prefixes take_network(Prefixes& left, std::uint32_t network)
{
    return !left.empty() && network_of(left.front()) == network ? take_alike(left, network_of) : Prefixes{};
}

std::uint32_t first_network(Prefixes left)
{
    constexpr std::uint32_t beyond = TRIE_ROOT;
    return left.empty() ? beyond : network_of(left.front());
}

} // namespace

PrefixTrie make_trie(std::span<const ListedPrefix> prefixes)
{
    std::vector<Painted> wide_ones, shorter, longer; // to 16 bits, to 24, beyond
    reserve_large(longer, prefixes.size());
    for (const ListedPrefix& listed : prefixes) {
        if (listed.prefix.ipv6) continue;
        const auto length = static_cast<std::uint8_t>(listed.prefix.length);
        (length <= 16   ? wide_ones
         : length <= 24 ? shorter
                        : longer)
            .push_back({ipv4_of(listed.prefix), length, listed.list});
    }
    PrefixTrie trie;
    trie.root.resize(TRIE_ROOT);
    std::ranges::stable_sort(wide_ones, {}, &Painted::length);
    for (const Painted& prefix : wide_ones)
        std::fill_n(trie.root.begin() + (prefix.address >> 16), std::size_t{1} << (16 - prefix.length), prefix.list);
    if (!std::ranges::is_sorted(longer, {}, block_of)) sort_by_block(longer);
    std::ranges::stable_sort(shorter, {}, &Painted::length);
    std::ranges::stable_sort(shorter, {}, network_of);
    reserve_large(trie.words, longer.size());
    Prefixes left = shorter, left_long = longer;
    while (!left.empty() || !left_long.empty()) {
        const std::uint32_t network = std::min(first_network(left), first_network(left_long));
        const Prefixes here = take_network(left, network);
        paint_network(trie, network, here, take_network(left_long, network));
    }
    return trie;
}

std::optional<std::uint32_t> word_place(const trie_node& node, std::uint32_t address)
{
    const std::size_t part = address >> 14 & 3;
    const std::uint64_t said = node.bits[part], bit = std::uint64_t{1} << (address >> 8 & 63);
    if (!(said & bit)) return std::nullopt;
    return node.first + node.before[part] + static_cast<unsigned>(std::popcount(said & (bit - 1)));
}

std::uint8_t list_of_word(std::uint64_t word, std::uint32_t address, std::span<const trie_leaf> leaves)
{
    const unsigned last = address & 255;
    if (TRIE_WIDE_KIND(word) == TRIE_LIST) return static_cast<std::uint8_t>(word);
    if (TRIE_WIDE_KIND(word) == TRIE_FEW) {
        bool inside = false;
        for (unsigned i = 0; i < few; ++i)
            inside |= (word >> (8 * i) & 255) == last;
        return static_cast<std::uint8_t>(word >> (inside ? TRIE_INSIDE : TRIE_OUTSIDE));
    }
    if (TRIE_WIDE_KIND(word) == TRIE_BYTES) return leaves[TRIE_INDEX(word) + (last >> 6)].list[last & 63];
    const trie_leaf& leaf = leaves[TRIE_INDEX(word)];
    return static_cast<std::uint8_t>(leaf.bits[last >> 6] >> (last & 63) & 1 ? leaf.inside : leaf.outside);
}

std::uint8_t PrefixTrie::list_of(std::uint32_t address) const
{
    const std::uint32_t found = root[address >> 16];
    if (TRIE_KIND(found) == TRIE_LIST) return static_cast<std::uint8_t>(found);
    const trie_node& node = nodes[TRIE_INDEX(found)];
    const auto place = word_place(node, address);
    return place ? list_of_word(words[*place], address, leaves) : static_cast<std::uint8_t>(node.otherwise);
}

} // namespace netwright::dataplane
