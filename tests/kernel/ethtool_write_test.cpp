// SPDX-License-Identifier: GPL-2.0-or-later
// The structure that changes receive hashing, as net/ethtool/ioctl.c (ethtool_set_rxfh) reads it.
#include "kernel/ethtool.h"

#include <doctest/doctest.h>

#include <cstring>

using namespace netwright::kernel;

namespace {

ethtool_rxfh head_of(const std::vector<std::uint32_t>& words)
{
    ethtool_rxfh head{};
    REQUIRE(words.size() * sizeof(std::uint32_t) >= sizeof head);
    std::memcpy(&head, words.data(), sizeof head);
    return head;
}

constexpr std::uint32_t hash_xor = 1U << 1; // ETH_RSS_HASH_XOR, which is not for user space
constexpr std::size_t head_words = sizeof(ethtool_rxfh) / sizeof(std::uint32_t);

} // namespace

TEST_CASE("what is not to change is left alone: the table by its mark, key and function by nothing")
{
    const RssTable now{.indirection = {}, .key = {}, .transformation = 1};
    const ethtool_rxfh function = head_of(rss_request(now, {.indirection = {}, .key = {}, .function = hash_xor}));
    CHECK(function.cmd == ETHTOOL_SRSSH);
    CHECK(function.indir_size == ETH_RXFH_INDIR_NO_CHANGE);
    CHECK(function.key_size == 0);
    CHECK(function.hfunc == hash_xor);
    CHECK(function.rsvd8[0] == 1); // a symmetric hash stays one
}

TEST_CASE("a table is sent whole, an empty one gives it back to the kernel")
{
    const auto whole = rss_request({}, {.indirection = {{0, 1, 1, 0}}, .key = {}, .function = {}});
    CHECK(head_of(whole).indir_size == 4);
    CHECK(std::vector<std::uint32_t>(whole.begin() + head_words, whole.end()) ==
          std::vector<std::uint32_t>{0, 1, 1, 0});
    const auto reset = rss_request({}, {.indirection = std::vector<std::uint32_t>{}, .key = {}, .function = {}});
    CHECK(head_of(reset).indir_size == 0);
    CHECK(reset.size() == head_words);
}

TEST_CASE("a key follows the table, to the byte")
{
    const auto words = rss_request({}, {.indirection = {{3}}, .key = {{1, 2, 3, 4, 5}}, .function = {}});
    CHECK(head_of(words).key_size == 5);
    REQUIRE(words.size() == head_words + 1 + 2);
    std::uint8_t key[5];
    std::memcpy(key, words.data() + head_words + 1, sizeof key);
    CHECK(key[0] == 1);
    CHECK(key[4] == 5);
}
