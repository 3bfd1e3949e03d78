// SPDX-License-Identifier: GPL-2.0-or-later
// Words of receive-side scaling.
#include "model/rss_words.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;

namespace {

using Table = std::vector<std::uint32_t>;
using List = std::vector<std::int64_t>;

Value words(const char* text) { return Value(std::string(text)); }

} // namespace

TEST_CASE("a table that goes round is told in two words, any other entry by entry")
{
    CHECK(indirection_value({0, 1, 2, 3, 0, 1, 2, 3}) == words("equal 4"));
    CHECK(indirection_value({0, 0, 0}) == words("equal 1"));
    CHECK(indirection_value({0, 1, 2, 0, 1}) == words("equal 3"));
    CHECK(indirection_value({0, 0, 1, 1}) == Value(List{0, 0, 1, 1}));
    CHECK(indirection_value({1, 0}) == Value(List{1, 0}));
    CHECK(indirection_value({7, 7}) == Value(List{7, 7}));
    CHECK(indirection_value({}) == Value(List{}));
}

TEST_CASE("what a table is told as means that table again")
{
    for (const Table& table : {Table{0, 1, 2, 3, 0, 1, 2, 3}, Table{0, 0, 1, 1}, Table{5}, Table{0, 1, 2, 0, 1}}) {
        const auto again = expand_indirection(indirection_value(table), table.size());
        REQUIRE(again);
        CHECK(*again == table);
    }
}

TEST_CASE("weights share the table in blocks, as ethtool -X does")
{
    CHECK(*expand_indirection(words("weight 6 2"), 8) == Table{0, 0, 0, 0, 0, 0, 1, 1});
    CHECK(*expand_indirection(words("weight 0 1 1"), 4) == Table{1, 1, 2, 2});
    CHECK(*expand_indirection(words("weight 1 0"), 2) == Table{0, 0});
    // Every queue gets its share within one entry.
    const auto table = *expand_indirection(words("weight 3 1 4 1 5"), 128);
    for (std::uint32_t queue = 0; queue < 5; ++queue) {
        const double share = 128.0 * std::vector{3, 1, 4, 1, 5}[queue] / 14;
        CHECK(std::abs(static_cast<double>(std::ranges::count(table, queue)) - share) <= 1);
    }
}

TEST_CASE("tables that do not fit are refused")
{
    CHECK(expand_indirection(Value(List{0, 1}), 128).error().kind == Error::Kind::Rejected);
    CHECK(expand_indirection(words("equal 9"), 8).error().kind == Error::Kind::Rejected);
    CHECK(expand_indirection(Value(std::int64_t{1}), 8).error().kind == Error::Kind::Rejected);
    for (const char* text : {"", "equal", "equal 0", "equal 1 2", "equal x", "weight 0 0", "weight", "even 4", "0 1 x",
                             "-1", "0 70000", "equal -1", "4", "weight 99999999999999999999"}) {
        CAPTURE(text);
        const auto value = parse_indirection(text);
        REQUIRE_FALSE(value);
        CHECK(value.error().kind == Error::Kind::Malformed);
    }
    CHECK(*parse_indirection(" equal   4 ") == words("equal 4"));
    CHECK(*parse_indirection("0 1 0 1") == Value(List{0, 1, 0, 1}));
    CHECK(most_queue_named(words("equal 4")) == 3);
    CHECK(most_queue_named(words("weight 1 0 2")) == 2);
    CHECK(most_queue_named(Value(List{0, 9, 3})) == 9);
}

TEST_CASE("keys, functions and fields read back as themselves")
{
    const auto key = parse_rss_key("6d:5a:00:ff");
    REQUIRE(key);
    CHECK(rss_key_text(std::as_bytes(std::span(*key))) == "6d:5a:00:ff");
    for (const char* text : {"", "6d:", "6d5a", "g1:00", "6d:5"})
        CHECK_FALSE(parse_rss_key(text));
    for (const char* name : {"toeplitz", "xor", "crc32"})
        CHECK(rss_function_name(*parse_rss_function(name)) == name);
    CHECK_FALSE(parse_rss_function("md5"));
    CHECK(rss_function_name(0).empty());
    for (const char* letters : {"", "sdfn", "sd", "mvtsdfn", "sdfnr"})
        CHECK(hash_field_letters(*parse_hash_fields(letters)) == letters);
    CHECK(hash_field_letters(*parse_hash_fields("nfds")) == "sdfn");
    CHECK_FALSE(parse_hash_fields("sdq"));
}
