// SPDX-License-Identifier: GPL-2.0-or-later
// Rules against reflected floods, by name, so that nobody has to look the ports up in the middle of one.
#include "dataplane/filter_policy.h"
#include "model/words.h"

#include <array>

namespace netwright::dataplane {
namespace {

constexpr std::uint8_t icmp = 1, udp = 17, icmpv6 = 58;

FilterRule drop_from(std::string name, std::vector<Range> ports, std::vector<Range> lengths)
{
    FilterRule rule;
    rule.name = std::move(name);
    rule.protocols = {udp};
    rule.source_ports = std::move(ports);
    rule.lengths = std::move(lengths);
    return rule;
}

// CISA's alert TA14-017A lists the reflectors. What comes from the first group's ports is never asked for across the
// Internet by a server; DNS and NTP are, but answers as long as these are not: EDNS(0) answers are kept below 1232
// bytes (the DNS flag day of 2020), an NTP answer has 48 with its authentication 68, and mode 6 and 7 answers more.
std::vector<FilterRule> against_amplification()
{
    std::vector<Range> ports;
    for (const std::uint32_t port :
         {17, 19, 69, 111, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3702, 5683, 10001, 11211, 27015, 37810})
        ports.push_back({port, port});
    return {drop_from("udp-amplification", std::move(ports), {}),
            drop_from("dns-amplification", {{53, 53}}, {{1232 + 28 + 1, 65535}}),
            drop_from("ntp-amplification", {{123, 123}}, {{68 + 48 + 1, 65535}})};
}

// Echo requests and answers beyond what a person or a monitor sends, for each source.
std::vector<FilterRule> against_pings()
{
    std::vector<FilterRule> rules;
    for (const bool ipv6 : {false, true}) {
        FilterRule& rule = rules.emplace_back();
        rule.name = ipv6 ? "icmpv6-flood" : "icmp-flood";
        rule.verdict = Verdict::Limit;
        rule.protocols = {ipv6 ? icmpv6 : icmp};
        for (const unsigned type : ipv6 ? std::array{128U, 129U} : std::array{0U, 8U})
            rule.icmp.push_back({type * 256, type * 256 + 255});
        rule.limit = RateLimit{};
        rule.limit->rate = 50;
        rule.limit->burst = 100;
    }
    return rules;
}

} // namespace

Result<std::vector<FilterRule>> guard_rules(std::string_view word)
{
    constexpr std::array<std::string_view, 2> names{"amplification", "ping-flood"};
    const std::size_t at = TRY(find_word("guard", names, word));
    return at == 0 ? against_amplification() : against_pings();
}

} // namespace netwright::dataplane
