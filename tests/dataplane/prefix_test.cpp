// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/prefix.h"

#include <doctest/doctest.h>

#include <random>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

Prefix prefix_of(std::string_view text)
{
    const auto prefix = parse_prefix(text);
    REQUIRE_MESSAGE(prefix, prefix.error().what);
    return *prefix;
}

std::array<std::uint8_t, 16> bytes_of(std::uint32_t address)
{
    return {static_cast<std::uint8_t>(address >> 24), static_cast<std::uint8_t>(address >> 16),
            static_cast<std::uint8_t>(address >> 8), static_cast<std::uint8_t>(address)};
}

// The longest prefix that holds the address; of equal ones the last.
std::uint8_t searched(const std::vector<ListedPrefix>& prefixes, std::uint32_t address)
{
    const ListedPrefix* best = nullptr;
    for (const ListedPrefix& listed : prefixes)
        if (listed.prefix.holds(false, bytes_of(address)) && (!best || listed.prefix.length >= best->prefix.length))
            best = &listed;
    return best ? best->list : 0;
}

} // namespace

TEST_CASE("a prefix reads back as it was written, a single address without its length")
{
    for (const char* text : {"192.0.2.0/24", "10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "2001:db8::/32", "::/0", "::1"})
        CHECK(to_text(prefix_of(text)) == text);
    CHECK(to_text(prefix_of("192.0.2.7/32")) == "192.0.2.7");
    CHECK(to_text(prefix_of("2001:DB8:0:0::7/128")) == "2001:db8::7");
}

TEST_CASE("what is no prefix is refused, with the one that was meant where bits are left over")
{
    for (const char* text :
         {"", "/", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0", "10.0.0.0/8x", "a"})
        CHECK_FALSE(parse_prefix(text));
    const auto leftover = parse_prefix("10.1.2.3/8");
    REQUIRE_FALSE(leftover);
    CHECK(leftover.error().what.find("10.0.0.0/8 was meant") != std::string::npos);
}

TEST_CASE("the trie finds what a search through all prefixes finds, whatever overlaps")
{
    std::mt19937 random(7);
    for (int round = 0; round < 30; ++round) {
        std::vector<ListedPrefix> prefixes;
        for (int i = 0; i < 120; ++i) {
            const auto length = static_cast<unsigned>(round % 3 == 0 ? 20 + random() % 13 : random() % 33);
            const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
            const auto address = static_cast<std::uint32_t>((random() & 0x000303ff) | 0x0a000000) & mask;
            prefixes.push_back({Prefix{false, length, bytes_of(address)}, static_cast<std::uint8_t>(1 + random() % 5)});
        }
        const PrefixTrie trie = make_trie(prefixes);
        for (int i = 0; i < 3000; ++i) {
            const auto address = static_cast<std::uint32_t>(i % 10 ? (random() & 0x000303ff) | 0x0a000000 : random());
            REQUIRE(trie.list_of(address) == searched(prefixes, address));
        }
    }
}

TEST_CASE("a /24 of one list inside another costs a word with four addresses, one leaf with more, of three lists four")
{
    std::vector<ListedPrefix> prefixes{{prefix_of("10.0.0.0/8"), 1}};
    for (const char* address : {"10.0.0.7", "10.0.0.0", "10.0.0.255", "10.0.0.128"})
        prefixes.push_back({prefix_of(address), 2});
    const PrefixTrie few = make_trie(prefixes);
    CHECK(few.leaves.empty());
    CHECK(few.nodes.size() == 1);
    CHECK(few.words.size() == 1);
    for (const std::uint32_t last : {0U, 7U, 128U, 255U})
        CHECK(few.list_of(0x0a000000 + last) == 2);
    for (const std::uint32_t last : {1U, 6U, 8U, 127U, 129U, 254U, 256U})
        CHECK(few.list_of(0x0a000000 + last) == 1);
    prefixes.push_back({prefix_of("10.0.0.9"), 2});
    CHECK(make_trie(prefixes).leaves.size() == 1);
    prefixes.push_back({prefix_of("10.0.0.128/25"), 3});
    CHECK(make_trie(prefixes).leaves.size() == 4);
    prefixes = {{prefix_of("10.0.0.0/25"), 1}, {prefix_of("10.0.0.128/25"), 1}};
    const PrefixTrie halves = make_trie(prefixes);
    CHECK(halves.leaves.empty()); // together they are the /24
    CHECK(halves.words.size() == 1);
    CHECK(halves.list_of(0x0a0000ff) == 1);
}

TEST_CASE("IPv6 lengths come longest first, and too many are refused")
{
    std::vector<ListedPrefix> prefixes{
        {prefix_of("2001:db8::/32"), 1}, {prefix_of("::1"), 1}, {prefix_of("::/0"), 2}, {prefix_of("10.0.0.0/9"), 1}};
    CHECK(*lengths6(prefixes) == std::vector<std::uint32_t>{128, 32, 0});
    for (unsigned length = 40; length < 60; ++length)
        prefixes.push_back({Prefix{true, length, {}}, 1});
    const auto many = lengths6(prefixes);
    REQUIRE_FALSE(many);
    CHECK(many.error().kind == Error::Kind::Rejected);
}
