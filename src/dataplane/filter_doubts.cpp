// SPDX-License-Identifier: GPL-2.0-or-later
// What a policy says that its author may not mean.
#include "dataplane/filter_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace netwright::dataplane {
namespace {

bool decides(const FilterRule& rule) { return rule.verdict == Verdict::Pass || rule.verdict == Verdict::Drop; }

// Empty: everything.
bool covers(const std::vector<Range>& wide, const std::vector<Range>& narrow)
{
    if (wide.empty()) return true;
    if (narrow.empty()) return false;
    return std::ranges::all_of(narrow, [&](const Range& inner) {
        return std::ranges::any_of(
            wide, [&](const Range& outer) { return outer.first <= inner.first && inner.last <= outer.last; });
    });
}

bool covers(const std::vector<std::uint8_t>& wide, const std::vector<std::uint8_t>& narrow)
{
    if (wide.empty()) return true;
    return !narrow.empty() && std::ranges::all_of(narrow, [&](std::uint8_t protocol) {
        return std::ranges::find(wide, protocol) != wide.end();
    });
}

bool covers(const std::optional<TcpFlags>& wide, const std::optional<TcpFlags>& narrow)
{
    if (!wide) return true;
    return narrow && (wide->mask & narrow->mask) == wide->mask && (narrow->value & wide->mask) == wide->value;
}

template <class T>
bool covers(const std::optional<T>& wide, const std::optional<T>& narrow)
{
    return !wide || wide == narrow;
}

bool covers(const std::string& wide, const std::string& narrow) { return wide.empty() || wide == narrow; }

// Does every packet that `narrow` matches match `wide` too? Surely so when true; ranges that only together cover one
// are not looked for.
bool covers(const FilterRule& wide, const FilterRule& narrow)
{
    return covers(wide.family, narrow.family) && covers(wide.protocols, narrow.protocols) &&
           covers(wide.source_ports, narrow.source_ports) && covers(wide.destination_ports, narrow.destination_ports) &&
           covers(wide.lengths, narrow.lengths) && covers(wide.ttls, narrow.ttls) && covers(wide.icmp, narrow.icmp) &&
           covers(wide.tcp_flags, narrow.tcp_flags) && covers(wide.source_list, narrow.source_list) &&
           covers(wide.destination_list, narrow.destination_list) && covers(wide.fragment, narrow.fragment);
}

bool meet(const std::vector<Range>& a, const std::vector<Range>& b)
{
    return a.empty() || b.empty() || std::ranges::any_of(a, [&](const Range& one) {
               return std::ranges::any_of(
                   b, [&](const Range& other) { return one.first <= other.last && other.first <= one.last; });
           });
}

// They have values in common, and each has some of its own.
bool cross(const std::vector<Range>& a, const std::vector<Range>& b)
{
    return meet(a, b) && !covers(a, b) && !covers(b, a);
}

// Rules that overlap are how exceptions are written; where ranges cut into each other, one of the ends is likely wrong.
bool cross(const FilterRule& a, const FilterRule& b)
{
    FilterRule rest_a = a, rest_b = b;
    for (FilterRule* rule : {&rest_a, &rest_b})
        rule->source_ports = rule->destination_ports = rule->lengths = rule->ttls = rule->icmp = {};
    if (!covers(rest_a, rest_b) && !covers(rest_b, rest_a)) return false;
    constexpr std::array fields{&FilterRule::source_ports, &FilterRule::destination_ports, &FilterRule::lengths,
                                &FilterRule::ttls, &FilterRule::icmp};
    return std::ranges::all_of(fields, [&](auto field) { return meet(a.*field, b.*field); }) &&
           std::ranges::any_of(fields, [&](auto field) { return cross(a.*field, b.*field); });
}

bool no_condition(const FilterRule& rule) { return covers(rule, FilterRule{}); }

void add_shadowed(const FilterPolicy& policy, std::vector<std::string>& found)
{
    for (std::size_t later = 1; later < policy.rules.size(); ++later)
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            const FilterRule &first = policy.rules[earlier], &second = policy.rules[later];
            if (!decides(first) || !covers(first, second)) continue;
            found.push_back(fmt::format("rule '{}' (line {}) never acts: '{}' (line {}) before it decides over all its "
                                        "packets",
                                        second.name, second.line, first.name, first.line));
            break;
        }
}

void add_contradictions(const FilterPolicy& policy, std::vector<std::string>& found)
{
    for (std::size_t later = 1; later < policy.rules.size(); ++later)
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            const FilterRule &first = policy.rules[earlier], &second = policy.rules[later];
            if (!decides(first) || !decides(second) || first.verdict == second.verdict || !cross(first, second))
                continue;
            found.push_back(fmt::format("rules '{}' (line {}) and '{}' (line {}) contradict each other where their "
                                        "ranges overlap: there '{}' decides",
                                        first.name, first.line, second.name, second.line, first.name));
        }
}

struct Standing {
    PrefixOrder order;
    std::size_t list = 0;
    const Prefix* prefix = nullptr;
};

// One sort, for lists have a million of them. What is found comes in the order of the prefixes.
void add_double_prefixes(const FilterPolicy& policy, std::vector<std::string>& found)
{
    std::vector<Standing> standing;
    for (std::size_t list = 0; list < policy.lists.size(); ++list)
        for (const Prefix& prefix : policy.lists[list].prefixes)
            standing.push_back({order_of(prefix), list, &prefix});
    std::ranges::sort(standing, {}, [](const Standing& one) { return std::tie(one.order, one.list); });
    for (std::size_t i = 1; i < standing.size(); ++i) {
        const Standing &before = standing[i - 1], &one = standing[i];
        if (before.order != one.order || before.list == one.list) continue;
        const PrefixList &first = policy.lists[before.list], &second = policy.lists[one.list];
        const bool first_wins = first.verdict == Verdict::Pass && second.verdict != Verdict::Pass;
        found.push_back(fmt::format("{} stands in list '{}' (line {}) and in '{}' (line {}): '{}' has it",
                                    to_text(*one.prefix), first.name, first.line, second.name, second.line,
                                    first_wins ? first.name : second.name));
        if (first_wins) standing[i].list = before.list;
    }
}

void add_unused_lists(const FilterPolicy& policy, std::vector<std::string>& found)
{
    for (const PrefixList& list : policy.lists) {
        const bool used = std::ranges::any_of(policy.rules, [&](const FilterRule& rule) {
            return rule.source_list == list.name || rule.destination_list == list.name;
        });
        if (list.verdict == Verdict::Match && !used)
            found.push_back(
                fmt::format("list '{}' (line {}) has verdict: match, and no rule refers to it", list.name, list.line));
    }
}

} // namespace

std::vector<std::string> doubts(const FilterPolicy& policy)
{
    std::vector<std::string> found;
    add_shadowed(policy, found);
    add_contradictions(policy, found);
    add_double_prefixes(policy, found);
    add_unused_lists(policy, found);
    return found;
}

std::string blocks_everything(const FilterPolicy& policy)
{
    if (policy.dry_run) return "";
    for (const PrefixList& list : policy.lists) {
        if (list.verdict != Verdict::Drop) continue;
        std::vector<Prefix> prefixes = list.prefixes;
        for (const TimedPrefix& timed : list.timed)
            prefixes.push_back(timed.prefix);
        const auto all = std::ranges::find(prefixes, 0U, &Prefix::length);
        if (all != prefixes.end())
            return fmt::format("list '{}' (line {}) drops {}", list.name, list.line, to_text(*all));
    }
    for (const FilterRule& rule : policy.rules) {
        if (rule.verdict == Verdict::Pass) return "";
        if (rule.verdict == Verdict::Drop && no_condition(rule))
            return fmt::format("rule '{}' (line {}) drops every packet that no list passes", rule.name, rule.line);
    }
    const auto passes = [](const PrefixList& l) { return l.verdict == Verdict::Pass && l.line > 0; }; // 0: the guard's
    const bool passing = std::ranges::any_of(policy.lists, passes);
    return policy.default_drop && !passing ? "the default is to drop, and nothing passes" : "";
}

} // namespace netwright::dataplane
