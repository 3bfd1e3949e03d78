// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a filter policy. Every error is one line with file, line and column.
#include "base/text.h"
#include "dataplane/filter_live.h"
#include "dataplane/filter_policy.h"
#include "dataplane/large.h"
#include "dataplane/xdp_link.h"
#include "model/words.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace netwright::dataplane {
namespace {

constexpr std::array<std::string_view, 14> policy_fields{
    "interfaces",  "mode",        "dry_run",      "default",     "drop_odd",      "live",  "guards",
    "syn_cookies", "keep_others", "sample_every", "sample_most", "limit_entries", "lists", "rules"};
constexpr std::array<std::string_view, 5> list_fields{"verdict", "prefixes", "file", "expires", "feed"};
constexpr std::array<std::string_view, 2> prefix_fields{"prefix", "expires"};
constexpr std::array<std::string_view, 14> rule_fields{"name", "verdict",   "limit",     "family",  "protocol",
                                                       "from", "to",        "from_port", "to_port", "length",
                                                       "ttl",  "icmp_type", "flags",     "fragment"};
constexpr std::array<std::string_view, 3> limit_fields{"rate", "burst", "per"};
constexpr std::size_t names_length = 47; // what fits beside a counter

std::unexpected<Error> malformed(std::string text) { return fail(Error::Kind::Malformed, std::move(text)); }

// "syn,!ack": SYN is set and ACK is not.
Result<TcpFlags> parse_flags(std::string_view text)
{
    constexpr std::array<std::string_view, 8> names{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
    TcpFlags flags;
    for (std::string_view word : split(text, ',')) {
        word = trim(word);
        const bool absent = word.starts_with('!');
        const std::size_t at = TRY(find_word("TCP flag", names, absent ? word.substr(1) : word));
        const auto bit = static_cast<std::uint8_t>(1U << at);
        if (flags.mask & bit) return malformed(fmt::format("'{}' names {} twice", text, names.at(at)));
        flags.mask |= bit;
        if (!absent) flags.value |= bit;
    }
    return flags;
}

// "source", "source/24", "source6/56", "destination", "port", "rule"
Result<void> parse_per(std::string_view text, RateLimit& limit)
{
    constexpr std::array<std::string_view, 4> names{"source", "destination", "port", "rule"};
    const std::size_t slash = text.find('/');
    limit.per = static_cast<RateLimit::Per>(TRY(find_word("'per'", names, text.substr(0, slash))));
    if (slash == std::string_view::npos) return {};
    const auto lengths = split(text.substr(slash + 1), ',');
    const auto four = parse_unsigned(lengths[0]);
    const auto six = lengths.size() > 1 ? parse_unsigned(lengths[1]) : Result<std::uint64_t>(64);
    if (!four || *four > 32 || !six || *six > 128 || lengths.size() > 2 || limit.per > RateLimit::Per::Destination)
        return malformed(fmt::format("'{}': write source/24 or source/24,56 (IPv4 and IPv6 prefix lengths)", text));
    limit.length4 = static_cast<unsigned>(*four);
    limit.length6 = static_cast<unsigned>(*six);
    return {};
}

// "1000/s" are packets, "10Mbit" are bytes.
Result<void> parse_rate(std::string_view text, RateLimit& limit)
{
    if (text.ends_with("/s") && !text.ends_with("bit/s")) {
        const auto packets = parse_unsigned(trim(text.substr(0, text.size() - 2)));
        if (!packets || *packets == 0 || *packets > 1'000'000'000)
            return malformed(fmt::format("'{}': a rate of packets is 1/s to 1000000000/s", text));
        limit.rate = *packets;
        return {};
    }
    const BitRate rate = TRY(parse_bit_rate(text));
    limit.bytes = true;
    limit.rate = rate.bits_per_second / 8;
    if (limit.rate < 100 || limit.rate > 125'000'000'000)
        return malformed(fmt::format("'{}': a rate is 1/s or 1kbit to 1000Gbit", text));
    return {};
}

bool is_name(std::string_view text)
{
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}

// A list's, or the one that stands in its place.
std::span<const YamlNode> items_of(const YamlNode& node)
{
    return node.kind == YamlNode::Kind::List ? std::span(node.items) : std::span(&node, 1);
}

class PolicyReader {
public:
    PolicyReader(std::string_view file, const ReadFile& read) : reader_(file), read_(read) {}
    Result<FilterPolicy> policy(const YamlNode& root);

private:
    Result<std::vector<std::string>> one_or_more(const YamlNode& node, std::string_view what) const;
    Result<std::vector<Range>> ranges(const YamlNode& map, std::string_view key, std::uint32_t most) const;
    Result<PrefixList> list(const std::string& name, const YamlNode& node) const;
    Result<void> list_prefix(const YamlNode& node, PrefixList& list) const;
    Result<void> list_file(const YamlNode& node, PrefixList& list) const;
    Result<Nanoseconds> expires(const YamlNode& node) const;
    Result<void> make_timed(const YamlNode& node, PrefixList& list) const;
    Result<void> timed_lists(const YamlNode& lists, const FilterPolicy& policy) const;
    Result<FilterRule> rule(const YamlNode& node) const;
    Result<void> packet_fields(const YamlNode& node, FilterRule& rule) const;
    Result<void> icmp_field(const YamlNode& node, FilterRule& rule) const;
    Result<RateLimit> limit(const YamlNode& node) const;
    Result<void> agree(const YamlNode& node, const FilterRule& rule) const;
    Result<std::string> new_name(const YamlNode& node, const std::string& name) const;
    Result<void> settings(const YamlNode& root, FilterPolicy& policy) const;
    Result<void> guards(const YamlNode& node, FilterPolicy& policy) const;
    Result<void> refer(const FilterPolicy& policy, const FilterRule& rule, const YamlNode& node) const;

    YamlReader reader_;
    const ReadFile& read_;
    mutable std::vector<std::string> names_;
};

Result<std::vector<std::string>> PolicyReader::one_or_more(const YamlNode& node, std::string_view what) const
{
    if (node.kind == YamlNode::Kind::List) return reader_.texts(node, what);
    return std::vector{TRY(reader_.text(node, what))};
}

Result<std::vector<Range>> PolicyReader::ranges(const YamlNode& map, std::string_view key, std::uint32_t most) const
{
    std::vector<Range> found;
    const YamlNode* node = map.find(key);
    if (!node) return found;
    const auto words = TRY(one_or_more(*node, key));
    for (const std::string& word : words) {
        const auto range = parse_range(word, most);
        if (!range) return reader_.fail_at(*node, range.error().what);
        found.push_back(*range);
    }
    if (found.empty()) return reader_.fail_at(*node, fmt::format("{} is empty", key));
    return found;
}

Result<std::string> PolicyReader::new_name(const YamlNode& node, const std::string& name) const
{
    if (!is_name(name) || name.size() > names_length)
        return reader_.fail_at(node, fmt::format("a name has 1 to {} characters and no blanks", names_length));
    if (std::ranges::find(names_, name) != names_.end())
        return reader_.fail_at(node, fmt::format("'{}' is the name of another list or rule", name));
    names_.push_back(name);
    return name;
}

Result<PrefixList> PolicyReader::list(const std::string& name, const YamlNode& node) const
{
    TRY_VOID(reader_.only(node, list_fields, "list"));
    PrefixList list;
    list.name = TRY(new_name(node, name));
    list.line = node.line;
    constexpr std::array<std::string_view, 3> verdicts{"pass", "drop", "match"};
    if (const YamlNode* verdict = node.find("verdict"))
        list.verdict = TRY(reader_.read(*verdict, "verdict", [&](std::string_view word) {
            return word_to<Verdict>("verdict of a list", verdicts, word);
        }));
    if (const YamlNode* prefixes = node.find("prefixes"))
        for (const YamlNode& one : items_of(*prefixes))
            TRY_VOID(list_prefix(one, list));
    if (const YamlNode* file = node.find("file"))
        for (const YamlNode& one : items_of(*file))
            TRY_VOID(list_file(one, list));
    if (!node.find("prefixes") && !node.find("file"))
        return reader_.fail_at(node, "a list has prefixes, a file or both");
    TRY_VOID(make_timed(node, list));
    return list;
}

// "192.0.2.0/24", or {prefix: 192.0.2.0/24, expires: 2h}.
Result<void> PolicyReader::list_prefix(const YamlNode& node, PrefixList& list) const
{
    if (node.kind != YamlNode::Kind::Map) {
        list.prefixes.push_back(TRY(reader_.read(node, "prefix", parse_prefix)));
        return {};
    }
    TRY_VOID(reader_.only(node, prefix_fields, "prefix"));
    const Prefix prefix = TRY(reader_.read_field(node, "prefix", parse_prefix));
    const YamlNode* const end = node.find("expires");
    if (end)
        list.timed.push_back({prefix, TRY(expires(*end))});
    else
        list.prefixes.push_back(prefix);
    return {};
}

Result<void> PolicyReader::list_file(const YamlNode& node, PrefixList& list) const
{
    const std::string path = TRY(reader_.text(node, "file"));
    const auto text = read_(path);
    if (!text) return reader_.fail_at(node, text.error().what);
    const auto more = TRY(parse_prefix_lines(*text, path));
    list.prefixes.insert(list.prefixes.end(), more.begin(), more.end());
    return {};
}

Result<Nanoseconds> PolicyReader::expires(const YamlNode& node) const
{
    const Nanoseconds lasts = TRY(reader_.read(node, "expires", parse_duration));
    if (lasts >= std::chrono::seconds(1) && lasts <= std::chrono::hours(24 * 3660)) return lasts;
    return reader_.fail_at(node, "expires is between 1s and ten years");
}

// What ends or belongs to a feed stands with what is said while the policy runs.
Result<void> PolicyReader::make_timed(const YamlNode& node, PrefixList& list) const
{
    const YamlNode *const end = node.find("expires"), *const feed = node.find("feed");
    const Nanoseconds lasts = end ? TRY(expires(*end)) : Nanoseconds{};
    if (end || feed)
        for (const Prefix& prefix : std::exchange(list.prefixes, {}))
            list.timed.push_back({prefix, lasts});
    if (list.timed.empty() && !feed) return {};
    list.feed = feed ? TRY(reader_.text(*feed, "feed")) : "list:" + list.name;
    if (!is_name(list.feed) || list.feed.size() > live_feed_length)
        return reader_.fail_at(node,
                               fmt::format("the name of a feed has 1 to {} characters and no blanks, that of a list "
                                           "that expires {} at most",
                                           live_feed_length, live_feed_length - 5));
    if (list.verdict == Verdict::Match)
        return reader_.fail_at(node, "only lists with verdict: pass or drop can expire or have a feed");
    return {};
}

Result<void> PolicyReader::timed_lists(const YamlNode& lists, const FilterPolicy& policy) const
{
    std::set<std::string> feeds;
    for (std::size_t i = 0; i < policy.lists.size(); ++i) {
        const std::string& feed = policy.lists[i].feed;
        if (feed.empty()) continue;
        if (!policy.live)
            return reader_.fail_at(lists.items[i], "with 'live: false' no list can expire or have a feed");
        if (!feeds.insert(feed).second)
            return reader_.fail_at(lists.items[i], fmt::format("'{}' is the feed of another list", feed));
    }
    return {};
}

Result<RateLimit> PolicyReader::limit(const YamlNode& node) const
{
    TRY_VOID(reader_.only(node, limit_fields, "limit"));
    RateLimit limit;
    const YamlNode* rate = TRY(reader_.need(node, "rate"));
    const std::string rate_text = TRY(reader_.text(*rate, "rate"));
    if (auto read = parse_rate(rate_text, limit); !read) return reader_.fail_at(*rate, read.error().what);
    if (const YamlNode* per = node.find("per")) {
        const std::string text = TRY(reader_.text(*per, "per"));
        if (auto read = parse_per(text, limit); !read) return reader_.fail_at(*per, read.error().what);
    }
    // A tenth of a second's worth: well above the clock's tick of 1 to 10 ms, in which budgets grow.
    limit.burst = std::max<std::uint64_t>(limit.rate / 10, limit.bytes ? 15000 : 10);
    if (const YamlNode* burst = node.find("burst")) {
        const Bytes amount = TRY(reader_.read(*burst, "burst", parse_bytes));
        const std::uint64_t tick = limit.rate / 100;
        if (amount.count < std::max<std::uint64_t>(tick, limit.bytes ? 1500 : 1) || amount.count > limit.rate * 3600)
            return reader_.fail_at(*burst,
                                   "a burst is at least 10 ms' worth of the rate, one packet, and at most an hour's");
        limit.burst = amount.count;
    }
    return limit;
}

Result<void> PolicyReader::icmp_field(const YamlNode& node, FilterRule& rule) const
{
    auto types = TRY(ranges(node, "icmp_type", 255));
    for (Range& type : types)
        type = {type.first * 256, type.last * 256 + 255}; // any code
    rule.icmp = std::move(types);
    return {};
}

Result<void> PolicyReader::packet_fields(const YamlNode& node, FilterRule& rule) const
{
    if (const YamlNode* protocols = node.find("protocol")) {
        const auto words = TRY(one_or_more(*protocols, "protocol"));
        for (const std::string& word : words) {
            const auto protocol = parse_protocol(word);
            if (!protocol) return reader_.fail_at(*protocols, protocol.error().what);
            rule.protocols.push_back(*protocol);
        }
    }
    rule.source_ports = TRY(ranges(node, "from_port", 65535));
    rule.destination_ports = TRY(ranges(node, "to_port", 65535));
    rule.lengths = TRY(ranges(node, "length", 65535));
    rule.ttls = TRY(ranges(node, "ttl", 255));
    TRY_VOID(icmp_field(node, rule));
    if (const YamlNode* flags = node.find("flags")) rule.tcp_flags = TRY(reader_.read(*flags, "flags", parse_flags));
    if (const YamlNode* fragment = node.find("fragment")) rule.fragment = TRY(reader_.boolean(*fragment, "fragment"));
    if (const YamlNode* from = node.find("from")) rule.source_list = TRY(reader_.text(*from, "from"));
    if (const YamlNode* to = node.find("to")) rule.destination_list = TRY(reader_.text(*to, "to"));
    return {};
}

// What cannot hold together is a mistake, not a rule that never matches.
Result<void> PolicyReader::agree(const YamlNode& node, const FilterRule& rule) const
{
    const auto only = [&](std::initializer_list<std::uint8_t> allowed) {
        return std::ranges::all_of(rule.protocols,
                                   [&](std::uint8_t p) { return std::ranges::find(allowed, p) != allowed.end(); });
    };
    if ((!rule.source_ports.empty() || !rule.destination_ports.empty()) && !only({6, 17}))
        return reader_.fail_at(node, "ports are looked at in TCP and UDP only");
    if (rule.tcp_flags && !only({6})) return reader_.fail_at(node, "flags belong to protocol: tcp");
    if (!rule.icmp.empty() && (rule.protocols.size() != 1 || !only({1, 58})))
        return reader_.fail_at(node, "icmp_type needs protocol: icmp or protocol: icmpv6; their types differ");
    return {};
}

Result<FilterRule> PolicyReader::rule(const YamlNode& node) const
{
    TRY_VOID(reader_.only(node, rule_fields, "rule"));
    FilterRule rule;
    rule.line = node.line;
    const std::string name = TRY(reader_.text_field(node, "name"));
    rule.name = TRY(new_name(node, name));
    if ((node.find("verdict") != nullptr) == (node.find("limit") != nullptr))
        return reader_.fail_at(node, "a rule has a verdict (pass, drop or count) or a limit");
    constexpr std::array<std::string_view, 3> words{"pass", "drop", "count"};
    constexpr std::array verdicts{Verdict::Pass, Verdict::Drop, Verdict::Count};
    if (const YamlNode* verdict = node.find("verdict")) {
        const auto parse = [&](std::string_view word) { return find_word("verdict of a rule", words, word); };
        rule.verdict = verdicts.at(TRY(reader_.read(*verdict, "verdict", parse)));
    } else {
        rule.verdict = Verdict::Limit;
        rule.limit = TRY(limit(*node.find("limit")));
    }
    if (const YamlNode* family = node.find("family")) {
        const std::string text = TRY(reader_.text(*family, "family"));
        if (text != "4" && text != "6") return reader_.fail_at(*family, "family is 4 or 6");
        rule.family = text == "4" ? 4 : 6;
    }
    TRY_VOID(packet_fields(node, rule));
    TRY_VOID(agree(node, rule));
    return rule;
}

Result<void> PolicyReader::refer(const FilterPolicy& policy, const FilterRule& rule, const YamlNode& node) const
{
    for (const std::string& name : {rule.source_list, rule.destination_list}) {
        if (name.empty()) continue;
        const auto list = std::ranges::find(policy.lists, name, &PrefixList::name);
        if (list == policy.lists.end()) return reader_.fail_at(node, fmt::format("there is no list '{}'", name));
        if (list->verdict != Verdict::Match)
            return reader_.fail_at(node, fmt::format("list '{}' decides by itself; rules can only refer to lists with "
                                                     "verdict: match",
                                                     name));
    }
    return {};
}

Result<void> PolicyReader::settings(const YamlNode& root, FilterPolicy& policy) const
{
    policy.interfaces = TRY(reader_.texts_field(root, "interfaces"));
    for (const std::string& name : policy.interfaces)
        if (!is_interface_name(name)) return reader_.fail_at(root, fmt::format("'{}' is no interface name", name));
    if (policy.interfaces.empty()) return reader_.fail_at(root, "name at least one interface");
    const auto word = [&](std::string_view key, std::array<std::string_view, 2> words) -> Result<std::size_t> {
        const YamlNode* node = root.find(key);
        if (!node) return 0;
        return reader_.read(*node, key, [&](std::string_view text) { return find_word(key, words, text); });
    };
    policy.mode = static_cast<FilterPolicy::Mode>(TRY(word("mode", {"native", "generic"})));
    policy.default_drop = TRY(word("default", {"pass", "drop"})) == 1;
    if (root.find("dry_run")) policy.dry_run = TRY(reader_.boolean_field(root, "dry_run"));
    if (root.find("keep_others")) policy.keep_others = TRY(reader_.boolean_field(root, "keep_others"));
    if (root.find("live")) policy.live = TRY(reader_.boolean_field(root, "live"));
    const auto number = [&](std::string_view key, std::uint32_t& value, std::uint64_t most) -> Result<void> {
        const YamlNode* node = root.find(key);
        if (!node) return {};
        const std::uint64_t given = TRY(reader_.read(*node, key, parse_unsigned));
        if (given > most) return reader_.fail_at(*node, fmt::format("{} is at most {}", key, most));
        value = static_cast<std::uint32_t>(given);
        return {};
    };
    policy.cookie_ports = TRY(ranges(root, "syn_cookies", 65535));
    TRY_VOID(number("sample_every", policy.sample_every, 1U << 30));
    TRY_VOID(number("sample_most", policy.sample_most, 1U << 30));
    TRY_VOID(number("limit_entries", policy.limit_entries, 1U << 26));
    if (const YamlNode* odd = root.find("drop_odd")) {
        const auto words = TRY(one_or_more(*odd, "drop_odd"));
        for (const std::string& name : words) {
            const auto bits = parse_odd(name);
            if (!bits) return reader_.fail_at(*odd, bits.error().what);
            policy.odd |= *bits;
        }
    }
    return {};
}

Result<void> PolicyReader::guards(const YamlNode& node, FilterPolicy& policy) const
{
    const auto words = TRY(one_or_more(node, "guards"));
    for (const std::string& word : words) {
        auto rules = guard_rules(word);
        if (!rules) return reader_.fail_at(node, rules.error().what);
        for (FilterRule& rule : *rules) {
            TRY_VOID(new_name(node, rule.name));
            rule.line = node.line;
            policy.rules.push_back(std::move(rule));
        }
    }
    if (policy.rules.size() > RULES_MOST)
        return reader_.fail_at(node,
                               fmt::format("{} rules with the guards'; at most {}", policy.rules.size(), +RULES_MOST));
    return {};
}

Result<FilterPolicy> PolicyReader::policy(const YamlNode& root)
{
    TRY_VOID(reader_.only(root, policy_fields, "policy"));
    FilterPolicy policy;
    TRY_VOID(settings(root, policy));
    if (const YamlNode* lists = root.find("lists")) {
        if (lists->kind != YamlNode::Kind::Map) return reader_.fail_at(*lists, "lists are written as name: {...}");
        for (std::size_t i = 0; i < lists->items.size(); ++i)
            policy.lists.push_back(TRY(list(lists->keys[i], lists->items[i])));
        TRY_VOID(timed_lists(*lists, policy));
        if (policy.lists.size() >= LISTS_MOST)
            return reader_.fail_at(*lists, fmt::format("at most {} lists", LISTS_MOST - 1));
    }
    if (const YamlNode* rules = root.find("rules")) {
        if (rules->kind != YamlNode::Kind::List) return reader_.fail_at(*rules, "rules are a list: '- name: ...'");
        if (rules->items.size() > RULES_MOST)
            return reader_.fail_at(*rules, fmt::format("{} rules; at most {}", rules->items.size(), +RULES_MOST));
        for (const YamlNode& node : rules->items) {
            policy.rules.push_back(TRY(rule(node)));
            TRY_VOID(refer(policy, policy.rules.back(), node));
        }
    }
    if (const YamlNode* node = root.find("guards")) TRY_VOID(guards(*node, policy));
    return policy;
}

} // namespace

Result<std::vector<Prefix>> parse_prefix_lines(std::string_view text, std::string_view file)
{
    std::vector<Prefix> found;
    reserve_large(found, static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1);
    std::string_view line;
    for (unsigned number = 1; next_line(text, line); ++number) {
        const auto comment = std::ranges::find_if(line, [](char c) { return c == '#' || c == ';'; });
        line = trim(line.substr(0, static_cast<std::size_t>(comment - line.begin())));
        if (line.empty()) continue;
        auto prefix = parse_prefix(line);
        if (!prefix) return malformed(fmt::format("{}:{}: {}", file, number, prefix.error().what));
        found.push_back(*prefix);
    }
    return found;
}

Result<FilterPolicy> parse_filter_policy(std::string_view text, std::string_view file, const ReadFile& read)
{
    const YamlNode root = TRY(parse_yaml(text, file));
    return PolicyReader(file, read).policy(root);
}

} // namespace netwright::dataplane
