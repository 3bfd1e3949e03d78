// SPDX-License-Identifier: GPL-2.0-or-later
// From entries to tables.
//
// The packet path asks for the longest prefix that holds a source, once. So each prefix is given what all shorter ones
// around it say as well: its own end or theirs, whichever is later. Then nobody has to look twice when a long prefix's
// time is over and a shorter one's is not.
#include "dataplane/filter_live.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <tuple>

namespace netwright::dataplane {
namespace {

struct Flat {
    Prefix prefix;
    live_end end;
};

bool encloses(const Prefix& wide, const Prefix& narrow)
{
    return wide.length <= narrow.length && wide.holds(narrow.ipv6, narrow.address);
}

void widen(live_end& end, const live_end& other)
{
    end.allowed = std::max(end.allowed, other.allowed);
    end.blocked = std::max(end.blocked, other.blocked);
}

// One a prefix, each with what those around it say. Sorted entries have enclosing prefixes first.
std::vector<Flat> flatten(std::span<const LiveEntry> entries)
{
    std::vector<Flat> flat;
    for (const LiveEntry& entry : entries)
        flat.push_back({entry.prefix, entry.allowed ? live_end{entry.until, 0} : live_end{0, entry.until}});
    std::size_t kept = 0;
    std::vector<std::size_t> around; // places of the prefixes that hold the one at hand
    for (const Flat& one : flat) {
        while (!around.empty() && !encloses(flat[around.back()].prefix, one.prefix))
            around.pop_back();
        const bool again = !around.empty() && flat[around.back()].prefix == one.prefix;
        const std::size_t place = again ? around.back() : kept++;
        const live_end wider = around.empty() ? live_end{} : flat[around.back()].end;
        flat[place] = {one.prefix, one.end};
        widen(flat[place].end, wider);
        if (!again) around.push_back(place);
    }
    flat.resize(kept);
    return flat;
}

// Put off to a multiple of a part of the time that is left: 2^-precision of it at most.
LiveTime put_off(LiveTime end, LiveTime now, unsigned precision)
{
    if (end == LIVE_FOREVER || end <= now) return end;
    const auto magnitude = static_cast<unsigned>(std::bit_width(end - now)) - 1;
    const LiveTime step = LiveTime{1} << (magnitude > precision ? magnitude - precision : 0);
    return end > LIVE_FOREVER - step ? LIVE_FOREVER : (end + step - 1) / step * step;
}

using Ends = std::map<std::pair<LiveTime, LiveTime>, std::uint8_t>; // and the number by which the tables know them
constexpr std::size_t ends_most = 255;                              // 0: nothing is said

Ends ends_of(std::span<const Flat> flat, LiveTime now, unsigned precision)
{
    Ends ends;
    for (const Flat& one : flat) {
        if (one.prefix.ipv6) continue;
        ends.try_emplace({put_off(one.end.allowed, now, precision), put_off(one.end.blocked, now, precision)}, 0);
        if (ends.size() > ends_most) break;
    }
    std::uint8_t number = 0;
    for (auto& [end, known_by] : ends)
        known_by = ++number;
    return ends;
}

void put_word(std::vector<live_line>& lines, std::size_t line, std::size_t place, std::uint32_t word)
{
    lines[line + place / 16].word[place % 16] = word;
}

// The trie's pages and leaves one after the other, and its indexes made line numbers.
std::vector<live_line> lines_of(const PrefixTrie& trie, const Ends& ends)
{
    const std::size_t leaves = LIVE_PAGES + trie.middles.size() * 16;
    std::vector<live_line> lines(leaves + trie.leaves.size());
    const auto moved = [&](std::uint32_t word) {
        if (TRIE_KIND(word) == TRIE_LIST) return word;
        const std::size_t index = TRIE_INDEX(word);
        const std::size_t line = TRIE_KIND(word) == TRIE_MIDDLE ? LIVE_PAGES + index * 16 : leaves + index;
        return TRIE_KIND(word) << 30 | static_cast<std::uint32_t>(line);
    };
    for (std::size_t i = 0; i < trie.root.size(); ++i)
        put_word(lines, 0, i, moved(trie.root[i]));
    for (std::size_t page = 0; page < trie.middles.size(); ++page)
        for (std::size_t i = 0; i < 256; ++i)
            put_word(lines, LIVE_PAGES + page * 16, i, moved(trie.middles[page].word[i]));
    for (std::size_t i = 0; i < trie.leaves.size(); ++i)
        lines[leaves + i].leaf = trie.leaves[i];
    for (const auto& [end, number] : ends)
        lines[LIVE_ENDS + number / 4].end[number % 4] = {end.first, end.second};
    return lines;
}

constexpr std::array precisions{63U, 3U, 2U, 1U, 0U}; // 63: as it is

Result<unsigned> sharpest(std::span<const Flat> flat, LiveTime now)
{
    for (const unsigned precision : precisions)
        if (ends_of(flat, now, precision).size() <= ends_most) return precision;
    return fail(Error::Kind::Rejected, "more than 255 different ends even when rounded: give whole feeds one time");
}

void add_prefixes6(LiveTables& tables, std::span<const Flat> flat)
{
    for (const Flat& one : flat) {
        if (!one.prefix.ipv6) continue;
        prefix6 key{{}, one.prefix.length};
        std::memcpy(key.word, one.prefix.address.data(), sizeof key.word);
        tables.prefixes6.emplace_back(key, one.end);
    }
}

// Prefixes before what they enclose.
auto identity(const LiveEntry& entry)
{
    return std::tie(entry.prefix.ipv6, entry.prefix.address, entry.prefix.length, entry.feed);
}

} // namespace

std::vector<LiveEntry> with_entries(std::vector<LiveEntry> entries, std::vector<LiveEntry> given, LiveTime now)
{
    std::erase_if(entries, [&](const LiveEntry& entry) { return entry.until <= now; });
    std::ranges::stable_sort(given, {}, identity);
    const auto middle = static_cast<std::ptrdiff_t>(entries.size());
    entries.insert(entries.end(), std::make_move_iterator(given.begin()), std::make_move_iterator(given.end()));
    std::ranges::inplace_merge(entries, entries.begin() + middle, {}, identity);
    const auto same = [](const LiveEntry& a, const LiveEntry& b) { return identity(a) == identity(b); };
    // From behind, for the last of equal ones is kept.
    entries.erase(entries.begin(), std::unique(entries.rbegin(), entries.rend(), same).base());
    return entries;
}

std::vector<LiveEntry> without_feed(std::vector<LiveEntry> entries, const std::string& feed)
{
    std::erase_if(entries, [&](const LiveEntry& entry) { return entry.feed == feed; });
    return entries;
}

std::vector<LiveEntry> without_prefixes(std::vector<LiveEntry> entries, std::span<const Prefix> prefixes,
                                        std::vector<Prefix>& missing)
{
    std::map<Prefix, bool> found;
    for (const Prefix& prefix : prefixes)
        found.emplace(prefix, false);
    std::erase_if(entries, [&](const LiveEntry& entry) {
        const auto at = found.find(entry.prefix);
        if (at != found.end()) at->second = true;
        return at != found.end();
    });
    for (const auto& [prefix, there] : found)
        if (!there) missing.push_back(prefix);
    return entries;
}

Result<LiveTables> make_live_tables(std::span<const LiveEntry> entries, LiveTime now)
{
    const std::vector<Flat> flat = flatten(entries);
    const unsigned precision = TRY(sharpest(flat, now));
    const Ends ends = ends_of(flat, now, precision);
    std::vector<ListedPrefix> listed;
    for (const Flat& one : flat)
        listed.push_back({one.prefix, one.prefix.ipv6 ? std::uint8_t{0}
                                                      : ends.at({put_off(one.end.allowed, now, precision),
                                                                 put_off(one.end.blocked, now, precision)})});
    LiveTables tables;
    tables.lengths6 = TRY(lengths6(listed));
    add_prefixes6(tables, flat);
    if (!ends.empty()) tables.lines = lines_of(make_trie(listed), ends);
    return tables;
}

live_end live_end_of(const LiveTables& tables, std::uint32_t address)
{
    if (tables.lines.empty()) return {};
    const auto word_at = [&](std::size_t line, std::size_t place) {
        return tables.lines[line + place / 16].word[place % 16];
    };
    std::uint32_t word = word_at(0, address >> 16);
    if (TRIE_KIND(word) == TRIE_MIDDLE) word = word_at(TRIE_INDEX(word), address >> 8 & 255);
    const std::size_t line = TRIE_INDEX(word), last = address & 255;
    if (TRIE_KIND(word) == TRIE_BYTES) word = tables.lines[line + last / 64].leaf.list[last % 64];
    if (TRIE_KIND(word) == TRIE_BITS) {
        const trie_leaf& leaf = tables.lines[line].leaf;
        word = leaf.bits[last / 64] >> (last % 64) & 1 ? leaf.inside : leaf.outside;
    }
    return tables.lines[LIVE_ENDS + word / 4].end[word % 4];
}

} // namespace netwright::dataplane
