// SPDX-License-Identifier: GPL-2.0-or-later
// What the filter is to do, as a person writes it (docs/filter.md), and what is wrong with it.
#pragma once

#include "base/error.h"
#include "base/units.h"
#include "dataplane/packet_words.h"
#include "dataplane/prefix.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

enum class Verdict { Pass, Drop, Match, Count, Limit }; // Match: a list that only rules refer to

struct TimedPrefix {
    Prefix prefix;
    Nanoseconds lasts{}; // from when the policy was applied; 0: without an end
    bool operator==(const TimedPrefix&) const = default;
};

struct PrefixList {
    std::string name;
    Verdict verdict = Verdict::Match;
    std::vector<Prefix> prefixes;
    unsigned line = 0; // 0: it is not the policy's own
    // What ends, or what a feed may change while the policy runs: it stands with what was said then (filter_live.h).
    std::vector<TimedPrefix> timed = {};
    std::string feed = {}; // whose `timed` is; "": there is none
    bool operator==(const PrefixList&) const = default;
};

// At most so many packets, or bytes, a second for each source, destination, destination port or for the rule as a
// whole; `burst` of them at once. What is beyond is dropped.
struct RateLimit {
    enum class Per { Source, Destination, Port, Rule };
    Per per = Per::Source;
    unsigned length4 = 32, length6 = 64; // bits of an address that count as one source
    bool bytes = false;
    std::uint64_t rate = 0, burst = 0; // packets or bytes, a second and at once
    bool operator==(const RateLimit&) const = default;
};

// Set flags of TCP: those of `mask` must be as in `value`.
struct TcpFlags {
    std::uint8_t mask = 0, value = 0;
    bool operator==(const TcpFlags&) const = default;
};

// Every field that is given must hold; the first rule that passes or drops decides. Counting rules and limits before
// it act on the way.
struct FilterRule {
    std::string name;
    Verdict verdict = Verdict::Drop;
    std::optional<RateLimit> limit; // of Verdict::Limit
    std::optional<unsigned> family; // 4 or 6
    std::vector<std::uint8_t> protocols;
    std::vector<Range> source_ports, destination_ports, lengths, ttls;
    std::vector<Range> icmp; // type × 256 + code
    std::optional<TcpFlags> tcp_flags;
    std::string source_list, destination_list;
    std::optional<bool> fragment;
    unsigned line = 0;
    bool operator==(const FilterRule&) const = default;
};

struct FilterPolicy {
    std::vector<std::string> interfaces;
    enum class Mode { Native, Generic } mode = Mode::Native;
    bool dry_run = false;            // count what would be dropped, and pass it
    bool default_drop = false;       // what no rule decides
    bool live = true;                // sources can be blocked and allowed while it runs
    std::uint32_t odd = 0;           // bits of enum filter_odd: packets that are dropped as they are
    std::vector<Range> cookie_ports; // SYNs to them are answered with cookies while the kernel would send them
    std::uint32_t sample_every = 0,
                  sample_most = 0;          // one of so many drops is shown, so many a second; 0: none, no limit
    std::uint32_t limit_entries = 1U << 18; // buckets for all limits together
    bool keep_others = false;               // another XDP program on an interface runs behind the filter
    std::int64_t applied = 0;               // when it was first, in seconds of Unix time; 0: now
    std::vector<PrefixList> lists;
    std::vector<FilterRule> rules;
    bool operator==(const FilterPolicy&) const = default;
};

// `read` gives the text of a list's file, whose path is as written in the policy.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;
Result<FilterPolicy> parse_filter_policy(std::string_view text, std::string_view file, const ReadFile& read);

// One prefix a line; '#' and ';' begin comments. Malformed with file and line.
Result<std::vector<Prefix>> parse_prefix_lines(std::string_view text, std::string_view file);

// The rules that a word of `guards` stands for: amplification, ping-flood. They come after the policy's own.
Result<std::vector<FilterRule>> guard_rules(std::string_view word);

std::string_view odd_name(unsigned odd); // "tcp-syn-fin"
// The bits that a word of `drop_odd` stands for: one kind, or a group: malformed, tcp-flags, all.
Result<std::uint32_t> parse_odd(std::string_view word);

// What the owner should know before this policy runs: rules that can never match, prefixes in two lists. One line each.
std::vector<std::string> doubts(const FilterPolicy& policy);
// Does it drop everything? Then why, in words; "" if not.
std::string blocks_everything(const FilterPolicy& policy);

} // namespace netwright::dataplane
