// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/filter_live_control.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

constexpr LiveTime second = 1'000'000'000, now = 1000 * second;

LiveEntry entry(std::string_view prefix, LiveTime until = LIVE_FOREVER, bool allowed = false, std::string feed = "")
{
    const auto parsed = parse_prefix(prefix);
    REQUIRE_MESSAGE(parsed, parsed.error().what);
    return {*parsed, allowed, until, std::move(feed)};
}

std::vector<LiveEntry> sorted(std::vector<LiveEntry> entries) { return with_entries({}, std::move(entries), 0); }

Prefix single(std::uint32_t a)
{
    return {false,
            32,
            {static_cast<std::uint8_t>(a >> 24), static_cast<std::uint8_t>(a >> 16), static_cast<std::uint8_t>(a >> 8),
             static_cast<std::uint8_t>(a)}};
}

// What the packet path finds of each address.
std::vector<live_line> lines_of(const LiveTables& tables)
{
    std::vector<live_line> lines(tables.lines());
    tables.write_lines(lines);
    return lines;
}

// By looking at every entry.
live_end searched(const std::vector<LiveEntry>& entries, std::uint32_t address)
{
    live_end end{};
    for (const LiveEntry& one : entries) {
        if (!one.prefix.holds(false, single(address).address)) continue;
        __u64& until = one.allowed ? end.allowed : end.blocked;
        until = std::max<__u64>(until, one.until);
    }
    return end;
}

} // namespace

TEST_CASE("the live tables say what a look at every entry says, whatever encloses what")
{
    std::mt19937 random(11);
    for (int round = 0; round < 20; ++round) {
        std::vector<LiveEntry> given;
        for (int i = 0; i < 150; ++i) {
            const auto length = static_cast<unsigned>(round % 2 ? 14 + random() % 19 : random() % 33);
            const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
            LiveEntry one{single(static_cast<std::uint32_t>((random() & 0x000303ff) | 0x0a000000) & mask), false, 0,
                          ""};
            one.prefix.length = length;
            one.allowed = random() % 4 == 0;
            one.until = random() % 5 ? now + (random() % 40) * second : LIVE_FOREVER;
            one.feed = random() % 3 ? "" : "feed";
            given.push_back(one);
        }
        const auto entries = sorted(given);
        const auto tables = make_live_tables(entries, now);
        REQUIRE(tables);
        const auto lines = lines_of(*tables);
        for (int i = 0; i < 2000; ++i) {
            const auto address = static_cast<std::uint32_t>(i % 10 ? (random() & 0x000303ff) | 0x0a000000 : random());
            const live_end found = live_end_of(lines, address), wanted = searched(entries, address);
            REQUIRE(found.allowed == wanted.allowed);
            REQUIRE(found.blocked == wanted.blocked);
        }
    }
}

TEST_CASE("ends beyond 255 are put off, never drawn near, and by an eighth of their time at most")
{
    std::vector<LiveEntry> given;
    std::mt19937 random(12);
    for (std::uint32_t i = 0; i < 5000; ++i)
        given.push_back({single(0x0a000000 + i * 7), false, now + (1 + random() % 100'000) * second, ""});
    const auto tables = make_live_tables(sorted(given), now);
    REQUIRE(tables);
    const auto lines = lines_of(*tables);
    for (std::uint32_t i = 0; i < 5000; ++i) {
        const LiveTime wanted = given[i].until, found = live_end_of(lines, 0x0a000000 + i * 7).blocked;
        REQUIRE(found >= wanted);
        REQUIRE(found - wanted <= (wanted - now) / 8 + 1);
    }
}

TEST_CASE("an IPv6 prefix is told what those around it say")
{
    const auto tables =
        make_live_tables(sorted({entry("2001:db8::/32", now + 90 * second), entry("2001:db8::1", now + 5),
                                 entry("2001:db8::/48", LIVE_FOREVER, true)}),
                         now);
    REQUIRE(tables);
    CHECK(tables->lengths6 == std::vector<std::uint32_t>{128, 48, 32});
    CHECK(tables->lines() == 0);
    REQUIRE(tables->prefixes6.size() == 3);
    const auto& [prefix, end] = tables->prefixes6.back();
    CHECK(prefix.length == 128);
    CHECK(end.allowed == LIVE_FOREVER);
    CHECK(end.blocked == now + 90 * second);
    std::vector<LiveEntry> many;
    for (unsigned length = 20; length < 40; ++length)
        many.push_back({{true, length, {}}, false, LIVE_FOREVER, ""});
    CHECK_FALSE(make_live_tables(sorted(many), now));
}

TEST_CASE("entries replace those of the same prefix and feed, end by themselves, and go with their feed or prefix")
{
    auto entries =
        with_entries({}, {entry("10.0.0.0/8", now + 1), entry("10.0.0.1"), entry("10.0.0.1", 5, false, "f")}, 0);
    REQUIRE(entries.size() == 3);
    CHECK(to_text(entries[0].prefix) == "10.0.0.0/8");
    entries = with_entries(entries, {entry("10.0.0.1", now + 7, true), entry("10.0.0.1", now + 8)}, 5);
    CHECK(entries == std::vector{entry("10.0.0.0/8", now + 1), entry("10.0.0.1", now + 8)}); // the last one stands
    entries = with_entries(entries, {entry("1.1.1.1", now + 9, false, "f")}, now + 1);
    CHECK(entries == std::vector{entry("1.1.1.1", now + 9, false, "f"), entry("10.0.0.1", now + 8)});
    std::vector<Prefix> missing;
    CHECK(without_prefixes(entries, std::vector{single(0x0a000001), single(7)}, missing).size() == 1);
    CHECK(missing == std::vector{single(7)});
    CHECK(without_feed(entries, "f") == std::vector{entry("10.0.0.1", now + 8)});
}

TEST_CASE("rows read back as they were written, and what is none is refused")
{
    const auto entries = sorted({entry("10.0.0.0/8"), entry("10.0.0.0/8", 5, true, "one"), entry("2001:db8::/29", 6),
                                 entry("0.0.0.0/0", 7, false, std::string(live_feed_length, 'x'))});
    const auto rows = to_rows(entries);
    REQUIRE(rows);
    CHECK((from_rows(*rows) == Result<std::vector<LiveEntry>>(entries)));
    CHECK((from_rows({}) == Result<std::vector<LiveEntry>>(std::vector<LiveEntry>{})));
    for (const std::size_t byte : {0U, 8U, 15U, 16U, 23U}) { // version and counts
        auto broken = *rows;
        broken[0].bytes.at(byte) = 0xee;
        CHECK_FALSE(from_rows(broken));
    }
    auto broken = *rows;
    broken.back().bytes.at(24) = 129; // a length
    CHECK_FALSE(from_rows(broken));
    CHECK_FALSE(from_rows(std::span(*rows).first(rows->size() - 1)));
}
