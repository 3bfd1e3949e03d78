// SPDX-License-Identifier: GPL-2.0-or-later
// What is blocked and allowed while the filter runs, and the tables in which the packet path finds it
// (filter_layout.h). Pure.
#pragma once

#include "dataplane/filter_policy.h"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace netwright::dataplane {

using LiveTime = std::uint64_t; // CLOCK_MONOTONIC in nanoseconds; LIVE_FOREVER

inline constexpr std::size_t live_feed_length = 31; // of a feed's name

struct LiveEntry {
    Prefix prefix;
    bool allowed = false; // else blocked
    LiveTime until = LIVE_FOREVER;
    std::string feed; // whose it is; "": somebody's who typed it
    bool operator==(const LiveEntry&) const = default;
};

// Without those whose time is over, and with `given`; one of the same prefix and feed is replaced. `entries` and what
// comes back are sorted by address, wide prefixes before what they enclose; so are those that tables are made of.
std::vector<LiveEntry> with_entries(std::vector<LiveEntry> entries, std::vector<LiveEntry> given, LiveTime now);
std::vector<LiveEntry> without_feed(std::vector<LiveEntry> entries, const std::string& feed);
// Whoever gave them. `missing`: prefixes that no entry has.
std::vector<LiveEntry> without_prefixes(std::vector<LiveEntry> entries, std::span<const Prefix> prefixes,
                                        std::vector<Prefix>& missing);

// What a policy's lists say, applied so long ago. What has ended since is not among it.
std::vector<LiveEntry> listed_entries(const FilterPolicy& policy, LiveTime now, Nanoseconds ago);

struct LiveTables {
    PrefixTrie trie;            // of IPv4; its lists are places in `ends`
    std::vector<live_end> ends; // the first: nothing is said; empty: IPv4 has no entries
    std::vector<std::pair<prefix6, live_end>> prefixes6;
    std::vector<std::uint32_t> lengths6; // longest first

    std::size_t lines() const;                          // 0: IPv4 has no entries
    void write_lines(std::span<live_line> lines) const; // so many of them, which are zero
};
// The IPv4 tables know 255 different ends. Where there are more, those that lie far ahead are put off, by an eighth of
// their time at most if that does. Rejected: more IPv6 prefix lengths than the packet path asks for.
Result<LiveTables> make_live_tables(std::span<const LiveEntry> entries, LiveTime now);

// What the packet path finds in the lines.
live_end live_end_of(std::span<const live_line> lines, std::uint32_t address);

} // namespace netwright::dataplane
