// SPDX-License-Identifier: GPL-2.0-or-later
// IPv4 and IPv6 prefixes, and the tables in which the packet path finds the longest one that holds an address.
#pragma once

#include "base/error.h"
#include "dataplane/filter_layout.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

// Bits beyond the length are 0. An IPv4 address lies in the first four bytes.
struct Prefix {
    bool ipv6 = false;
    unsigned length = 0;
    std::array<std::uint8_t, 16> address{};
    auto operator<=>(const Prefix&) const = default;
    bool holds(bool of_ipv6, std::span<const std::uint8_t, 16> wanted) const;
};

// Sorts prefixes by address, wide ones before what they enclose; faster than byte by byte.
struct PrefixOrder {
    bool ipv6 = false;
    std::uint64_t high = 0, low = 0;
    unsigned length = 0;
    auto operator<=>(const PrefixOrder&) const = default;
};
PrefixOrder order_of(const Prefix& prefix);

// "192.0.2.0/24", "2001:db8::/32"; a bare address is a prefix of one. Malformed: set bits beyond the length, with the
// prefix that was probably meant.
Result<Prefix> parse_prefix(std::string_view text);
std::string to_text(const Prefix& prefix);

// A prefix and the number of the list that it stands in, 1 to 255.
struct ListedPrefix {
    Prefix prefix;
    std::uint8_t list = 0;
};

// The trie of filter_layout.h. Of equal prefixes the one that comes later wins.
struct PrefixTrie {
    std::vector<std::uint32_t> root; // TRIE_ROOT words
    std::vector<trie_node> nodes;
    std::vector<std::uint64_t> words;
    std::vector<trie_leaf> leaves;
    std::uint8_t list_of(std::uint32_t address) const; // as the packet path does it
};
// The list of an address by a node's word, which is about its /24.
std::uint8_t list_of_word(std::uint64_t word, std::uint32_t address, std::span<const trie_leaf> leaves);
// The place of that word among all; nothing: `otherwise`.
std::optional<std::uint32_t> word_place(const trie_node& node, std::uint32_t address);
PrefixTrie make_trie(std::span<const ListedPrefix> prefixes); // only its IPv4 ones

// Lengths in use among the IPv6 prefixes, longest first. Rejected: more than LENGTHS6_MOST.
Result<std::vector<std::uint32_t>> lengths6(std::span<const ListedPrefix> prefixes);

} // namespace netwright::dataplane
