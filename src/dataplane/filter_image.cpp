// SPDX-License-Identifier: GPL-2.0-or-later
// From a policy to tables.
//
// Rules are found by crossing bit vectors (Lakshman and Stiliadis, SIGCOMM 1998): each field's values are cut into
// classes wherever some rule's condition begins or ends, each class knows which rules allow it, and the rules that a
// packet meets are the AND over its fields. The work is the same for 10 rules and for 256.
#include "dataplane/filter_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace netwright::dataplane {
namespace {

struct FieldSpace {
    filter_field field;
    unsigned begin, values;
};
constexpr unsigned narrow = 4 * FIELD_WIDE;
constexpr std::array spaces{
    FieldSpace{FIELD_PROTOCOL, narrow, 512},
    FieldSpace{FIELD_DESTINATION_PORT, 0, 65537},
    FieldSpace{FIELD_SOURCE_PORT, FIELD_WIDE, 65537},
    FieldSpace{FIELD_LENGTH, 2 * FIELD_WIDE, 65536},
    FieldSpace{FIELD_TTL, narrow + FIELD_NARROW, 256},
    FieldSpace{FIELD_TCP_FLAGS, narrow + 2 * FIELD_NARROW, 257},
    FieldSpace{FIELD_ICMP, 3 * FIELD_WIDE, 65537},
    FieldSpace{FIELD_SOURCE_LIST, narrow + 3 * FIELD_NARROW, 256},
    FieldSpace{FIELD_DESTINATION_LIST, narrow + 4 * FIELD_NARROW, 256},
    FieldSpace{FIELD_FRAGMENT, narrow + 5 * FIELD_NARROW, 3},
};
static_assert(spaces.size() == FIELD_KINDS);

using Ranges = std::vector<Range>; // what a rule allows of a field; empty: everything

Ranges protocol_ranges(const FilterRule& rule)
{
    Ranges found;
    std::vector<std::uint8_t> protocols = rule.protocols;
    const bool ports = !rule.source_ports.empty() || !rule.destination_ports.empty();
    if (protocols.empty() && ports) protocols = {6, 17};
    if (protocols.empty() && rule.tcp_flags) protocols = {6};
    for (const unsigned base : {0U, 256U}) {
        if (rule.family && (*rule.family == 6) != (base == 256)) continue;
        if (protocols.empty()) found.push_back({base, base + 255});
        for (const std::uint8_t protocol : protocols)
            found.push_back({base + protocol, base + protocol});
    }
    if (protocols.empty() && !rule.family) found.clear();
    return found;
}

Ranges flag_ranges(const FilterRule& rule)
{
    Ranges found;
    if (!rule.tcp_flags) return found;
    for (std::uint32_t flags = 0; flags < 256; ++flags)
        if ((flags & rule.tcp_flags->mask) == rule.tcp_flags->value) found.push_back({flags, flags});
    return found;
}

Ranges list_ranges(const FilterPolicy& policy, const std::string& name)
{
    const auto list = std::ranges::find(policy.lists, name, &PrefixList::name);
    if (name.empty() || list == policy.lists.end()) return {};
    const auto number = static_cast<std::uint32_t>(list - policy.lists.begin()) + 1;
    return {{number, number}};
}

Ranges fragment_ranges(const FilterRule& rule)
{
    if (!rule.fragment) return {};
    return *rule.fragment ? Ranges{{1, 2}} : Ranges{{0, 0}};
}

Ranges ranges_of(const FilterPolicy& policy, const FilterRule& rule, filter_field field)
{
    switch (field) {
    case FIELD_PROTOCOL:
        return protocol_ranges(rule);
    case FIELD_DESTINATION_PORT:
        return rule.destination_ports;
    case FIELD_SOURCE_PORT:
        return rule.source_ports;
    case FIELD_LENGTH:
        return rule.lengths;
    case FIELD_TTL:
        return rule.ttls;
    case FIELD_TCP_FLAGS:
        return flag_ranges(rule);
    case FIELD_ICMP:
        return rule.icmp;
    case FIELD_SOURCE_LIST:
        return list_ranges(policy, rule.source_list);
    case FIELD_DESTINATION_LIST:
        return list_ranges(policy, rule.destination_list);
    case FIELD_FRAGMENT:
        return fragment_ranges(rule);
    case FIELD_KINDS:
        break;
    }
    return {};
}

using VectorKey = std::array<std::uint64_t, RULE_WORDS>;

// Numbers the different vectors of all fields.
class VectorTable {
public:
    explicit VectorTable(std::vector<filter_vector>& vectors) : vectors_(vectors) {}
    Result<std::uint16_t> number_of(const VectorKey& key)
    {
        const auto [at, added] = numbers_.try_emplace(key, vectors_.size());
        if (added && vectors_.size() == VECTORS_MOST)
            return fail(Error::Kind::Rejected, "these rules cut ports, lengths and flags into too many pieces; "
                                               "join neighbouring ranges");
        if (added) {
            vectors_.emplace_back();
            std::ranges::copy(key, vectors_.back().word);
        }
        return static_cast<std::uint16_t>(at->second);
    }

private:
    std::vector<filter_vector>& vectors_;
    std::map<VectorKey, std::size_t> numbers_;
};

// Where a rule begins or ceases to allow a field's values.
struct Edge {
    std::uint32_t at;
    std::size_t rule;
    int step; // a rule's ranges may overlap: it allows while their number is above 0
};

std::vector<Edge> edges_of(std::span<const Ranges> rules, std::uint32_t values)
{
    std::vector<Edge> edges;
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        if (rules[rule].empty()) edges.push_back({0, rule, 1});
        for (const Range& range : rules[rule]) {
            edges.push_back({range.first, rule, 1});
            edges.push_back({std::min(range.last + 1, values), rule, -1});
        }
    }
    std::ranges::sort(edges, {}, &Edge::at);
    return edges;
}

Result<void> fill_field(FilterImage& image, VectorTable& table, const FieldSpace& space, std::span<const Ranges> rules)
{
    const std::vector<Edge> edges = edges_of(rules, space.values);
    std::array<int, RULES_MOST> open{};
    VectorKey key{};
    std::uint32_t from = 0;
    for (auto edge = edges.begin(); from < space.values;) {
        for (; edge != edges.end() && edge->at == from; ++edge) {
            int& count = open.at(edge->rule);
            count += edge->step;
            const std::uint64_t bit = std::uint64_t{1} << (edge->rule % 64);
            std::uint64_t& word = key.at(edge->rule / 64);
            word = count > 0 ? word | bit : word & ~bit;
        }
        const std::uint32_t to = edge == edges.end() ? space.values : edge->at;
        const auto begin = image.class_of.begin() + space.begin;
        std::fill(begin + from, begin + to, TRY(table.number_of(key)));
        from = to;
    }
    return {};
}

Result<void> fill_fields(FilterImage& image, const FilterPolicy& policy)
{
    image.class_of.resize(CLASS_SPACE);
    VectorTable table(image.vectors);
    for (const FieldSpace& space : spaces) {
        std::vector<Ranges> rules;
        for (const FilterRule& rule : policy.rules)
            rules.push_back(ranges_of(policy, rule, space.field));
        image.uses_field.at(space.field) = !std::ranges::all_of(rules, &Ranges::empty);
        if (image.uses_field.at(space.field)) TRY_VOID(fill_field(image, table, space, rules));
    }
    return {};
}

filter_rule limit_row(const RateLimit& limit)
{
    constexpr std::array per{PER_SOURCE, PER_DESTINATION, PER_PORT, PER_RULE};
    constexpr std::uint64_t second = 1'000'000'000;
    filter_rule row{};
    row.action = ACTION_LIMIT;
    row.limit_per = static_cast<__u16>(per.at(static_cast<std::size_t>(limit.per)) | (limit.bytes ? PER_BYTES : 0));
    row.prefix4 = static_cast<__u16>(limit.length4);
    row.prefix6 = static_cast<__u16>(limit.length6);
    row.cost = (limit.bytes ? second << 16 : second) / limit.rate;
    row.burst = static_cast<__u64>(static_cast<unsigned __int128>(limit.burst) * second / limit.rate);
    return row;
}

void fill_rules(FilterImage& image, const FilterPolicy& policy, const CounterNames& counters)
{
    for (std::size_t i = 0; i < policy.rules.size(); ++i) {
        const FilterRule& rule = policy.rules[i];
        filter_rule& row = image.rules.at(i);
        if (rule.limit) row = limit_row(*rule.limit);
        if (rule.verdict == Verdict::Pass) row.action = ACTION_PASS;
        if (rule.verdict == Verdict::Drop) row.action = ACTION_DROP;
        if (rule.verdict == Verdict::Count) row.action = ACTION_COUNT;
        row.counter = counters.at(rule.name);
        const bool decides = rule.verdict == Verdict::Pass || rule.verdict == Verdict::Drop;
        (decides ? image.terminal : image.acting).word[i / 64] |= std::uint64_t{1} << (i % 64);
    }
    const std::size_t words = (policy.rules.size() + 63) / 64;
    image.rule_words = static_cast<unsigned>(words == 3 ? 4 : words);
}

// Of a prefix that two lists hold, the passing list's comes last and wins.
void fill_lists(FilterImage& image, const FilterPolicy& policy, const CounterNames& counters)
{
    for (const bool passing : {false, true})
        for (std::size_t i = 0; i < policy.lists.size(); ++i) {
            const PrefixList& list = policy.lists[i];
            if ((list.verdict == Verdict::Pass) != passing) continue;
            const auto number = static_cast<std::uint8_t>(i + 1);
            const filter_action action = passing                         ? ACTION_PASS
                                         : list.verdict == Verdict::Drop ? ACTION_DROP
                                                                         : ACTION_COUNT;
            image.lists.at(number) = {static_cast<__u16>(action), counters.at(list.name)};
            for (const Prefix& prefix : list.prefixes)
                image.prefixes.push_back({prefix, number});
        }
}

} // namespace

unsigned field_begin(filter_field field) { return std::ranges::find(spaces, field, &FieldSpace::field)->begin; }
unsigned field_values(filter_field field) { return std::ranges::find(spaces, field, &FieldSpace::field)->values; }

Result<CounterNames> name_counters(const FilterPolicy& policy, const CounterNames& before)
{
    std::vector<std::string> wanted;
    for (const PrefixList& list : policy.lists)
        wanted.push_back(list.name);
    for (const FilterRule& rule : policy.rules)
        wanted.push_back(rule.name);
    CounterNames names;
    std::set<std::uint16_t> taken;
    for (const std::string& name : wanted)
        if (const auto known = before.find(name); known != before.end()) {
            names.insert(*known);
            taken.insert(known->second);
        }
    std::uint16_t next = COUNT_NAMED;
    for (const std::string& name : wanted) {
        if (names.contains(name)) continue;
        while (taken.contains(next))
            ++next;
        if (next >= COUNT_MOST)
            return fail(Error::Kind::Rejected, fmt::format("more than {} lists and rules", COUNT_MOST - COUNT_NAMED));
        taken.insert(next);
        names.emplace(name, next);
    }
    return names;
}

std::string counter_name(unsigned counter, const CounterNames& names)
{
    constexpr std::array<std::string_view, COUNT_ODD> fixed{"passed",  "default-drop", "not-ip",
                                                            "blocked", "allowed",      "syn-cookies"};
    if (counter < COUNT_ODD) return std::string(fixed.at(counter));
    if (counter < COUNT_NAMED) return fmt::format("odd {}", odd_name(counter - COUNT_ODD));
    const auto named = std::ranges::find(names, counter, &CounterNames::value_type::second);
    return named == names.end() ? fmt::format("counter {}", counter) : named->first;
}

Result<FilterImage> make_image(const FilterPolicy& policy, const CounterNames& counters)
{
    FilterImage image;
    fill_lists(image, policy, counters);
    image.lengths6 = TRY(lengths6(image.prefixes));
    fill_rules(image, policy, counters);
    if (!policy.rules.empty()) TRY_VOID(fill_fields(image, policy));
    return image;
}

} // namespace netwright::dataplane
