// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges, IP protocols and differentiated services code points from text.
#include "dataplane/packet_words.h"

#include "base/text.h"
#include "model/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace netwright::dataplane {
namespace {

struct NumberWord {
    std::string_view name;
    std::uint8_t number;
};
constexpr std::array protocol_words{
    NumberWord{"icmp", 1},    NumberWord{"igmp", 2},  NumberWord{"ipip", 4},   NumberWord{"tcp", 6},
    NumberWord{"udp", 17},    NumberWord{"ipv6", 41}, NumberWord{"gre", 47},   NumberWord{"esp", 50},
    NumberWord{"icmpv6", 58}, NumberWord{"ospf", 89}, NumberWord{"sctp", 132}, NumberWord{"udplite", 136},
};
constexpr std::array dscp_words{
    NumberWord{"default", 0}, NumberWord{"le", 1}, // RFC 8622
    NumberWord{"cs1", 8},     NumberWord{"cs2", 16},  NumberWord{"cs3", 24},  NumberWord{"cs4", 32},
    NumberWord{"cs5", 40},    NumberWord{"cs6", 48},  NumberWord{"cs7", 56},  NumberWord{"af11", 10},
    NumberWord{"af12", 12},   NumberWord{"af13", 14}, NumberWord{"af21", 18}, NumberWord{"af22", 20},
    NumberWord{"af23", 22},   NumberWord{"af31", 26}, NumberWord{"af32", 28}, NumberWord{"af33", 30},
    NumberWord{"af41", 34},   NumberWord{"af42", 36}, NumberWord{"af43", 38}, NumberWord{"ef", 46},
    NumberWord{"va", 44}, // voice-admit, RFC 5865
};

Result<std::uint8_t> number_of(std::string_view what, std::span<const NumberWord> words, std::string_view text,
                               std::uint64_t most)
{
    for (const NumberWord& word : words)
        if (word.name == text) return word.number;
    if (const auto number = parse_unsigned(text); number && *number <= most) return static_cast<std::uint8_t>(*number);
    std::vector<std::string_view> names;
    for (const NumberWord& word : words)
        names.push_back(word.name);
    return std::unexpected(find_word(what, names, text).error());
}

} // namespace

Result<Range> parse_range(std::string_view text, std::uint32_t most)
{
    const std::size_t dash = text.find('-');
    const std::string_view first = trim(text.substr(0, dash));
    const std::string_view last = dash == std::string_view::npos ? first : trim(text.substr(dash + 1));
    const auto from = first.empty() ? Result<std::uint64_t>(0) : parse_unsigned(first);
    const auto to = last.empty() ? Result<std::uint64_t>(most) : parse_unsigned(last);
    if (trim(text).size() < 1 || text == "-" || !from || !to || *from > *to || *to > most)
        return fail(Error::Kind::Malformed,
                    fmt::format("'{}' is no range within 0 to {}: write 80 or 1000-2000", text.substr(0, 40), most));
    return Range{static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*to)};
}

Result<std::uint8_t> parse_protocol(std::string_view text) { return number_of("protocol", protocol_words, text, 255); }

Result<std::uint8_t> parse_dscp(std::string_view text) { return number_of("DSCP", dscp_words, text, 63); }

std::string dscp_text(std::uint8_t dscp)
{
    const auto known = std::ranges::find(dscp_words, dscp, &NumberWord::number);
    return known == dscp_words.end() ? fmt::format("{}", dscp) : std::string(known->name);
}

} // namespace netwright::dataplane
