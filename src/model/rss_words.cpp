// SPDX-License-Identifier: GPL-2.0-or-later
// Tables of words and bits, and how ethtool shares a table out.
#include "model/rss_words.h"

#include "base/text.h"

#include <fmt/format.h>
#include <linux/ethtool.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

namespace netwright {
namespace {

constexpr std::uint32_t most_queues = 65536;

struct Letter {
    char letter;
    std::uint64_t bit;
};
constexpr std::array letters{
    Letter{'m', RXH_L2DA},   Letter{'v', RXH_VLAN},     Letter{'t', RXH_L3_PROTO}, Letter{'s', RXH_IP_SRC},
    Letter{'d', RXH_IP_DST}, Letter{'f', RXH_L4_B_0_1}, Letter{'n', RXH_L4_B_2_3}, Letter{'r', std::uint64_t{1} << 31},
};

constexpr std::array flows{
    HashedFlow{"tcp4", TCP_V4_FLOW}, HashedFlow{"udp4", UDP_V4_FLOW}, HashedFlow{"sctp4", SCTP_V4_FLOW},
    HashedFlow{"tcp6", TCP_V6_FLOW}, HashedFlow{"udp6", UDP_V6_FLOW}, HashedFlow{"sctp6", SCTP_V6_FLOW},
};

// ETH_RSS_HASH_*_BIT of include/linux/ethtool.h, in the order of rss_hash_func_strings[] (net/ethtool/common.c).
constexpr std::array<std::string_view, 3> functions{"toeplitz", "xor", "crc32"};

std::unexpected<Error> malformed(std::string_view text)
{
    return fail(Error::Kind::Malformed,
                fmt::format("'{}' is no RSS table: write 'equal 4', 'weight 6 2' or a queue for each entry",
                            text.substr(0, 64)));
}

std::unexpected<Error> rejected(std::string why) { return fail(Error::Kind::Rejected, std::move(why)); }

Result<std::vector<std::int64_t>> numbers_of(std::span<const std::string_view> words, std::string_view whole)
{
    std::vector<std::int64_t> numbers;
    for (const std::string_view word : words) {
        const auto number = parse_unsigned(word);
        if (!number || *number >= most_queues) return malformed(whole);
        numbers.push_back(static_cast<std::int64_t>(*number));
    }
    if (numbers.empty()) return malformed(whole);
    return numbers;
}

// "equal 4" and "weight 6 2" both as weights; "equal" is what the kernel starts with, "weight" lies in blocks.
struct Shares {
    bool in_turn = false;
    std::vector<std::int64_t> weights; // in_turn: one number, the queues
};

Result<Shares> parse_shares(std::string_view text)
{
    const auto words = split_words(text);
    if (words.size() < 2 || (words[0] != "equal" && words[0] != "weight")) return malformed(text);
    const bool in_turn = words[0] == "equal";
    auto numbers = TRY(numbers_of(std::span(words).subspan(1), text));
    const auto sum = std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
    if (sum == 0 || (in_turn && numbers.size() != 1)) return malformed(text);
    return Shares{in_turn, std::move(numbers)};
}

// fill_indir_table() of ethtool.c: entry i belongs to the queue whose share of the table it falls into.
std::vector<std::uint32_t> in_blocks(const std::vector<std::int64_t>& weights, std::size_t size)
{
    const auto sum = static_cast<std::size_t>(std::accumulate(weights.begin(), weights.end(), std::int64_t{0}));
    std::vector<std::uint32_t> table(size);
    std::size_t queue = 0, partial = static_cast<std::size_t>(weights[0]);
    for (std::size_t i = 0; i < size; ++i) {
        while (queue + 1 < weights.size() && i >= size * partial / sum)
            partial += static_cast<std::size_t>(weights[++queue]);
        table[i] = static_cast<std::uint32_t>(queue);
    }
    return table;
}

std::vector<std::uint32_t> in_turn(std::size_t queues, std::size_t size)
{
    std::vector<std::uint32_t> table(size);
    for (std::size_t i = 0; i < size; ++i)
        table[i] = static_cast<std::uint32_t>(i % queues);
    return table;
}

} // namespace

Value indirection_value(const std::vector<std::uint32_t>& table)
{
    const std::size_t queues = table.empty() ? 0 : *std::ranges::max_element(table) + 1UL;
    if (queues != 0 && queues <= table.size() && table == in_turn(queues, table.size()))
        return fmt::format("equal {}", queues);
    return std::vector<std::int64_t>(table.begin(), table.end());
}

Result<std::vector<std::uint32_t>> expand_indirection(const Value& value, std::size_t size)
{
    if (const auto* text = std::get_if<std::string>(&value)) {
        const Shares shares = TRY(parse_shares(*text));
        const auto queues = shares.in_turn ? static_cast<std::size_t>(shares.weights[0]) : shares.weights.size();
        if (queues > size) return rejected(fmt::format("{} queues for a table of {} entries", queues, size));
        return shares.in_turn ? in_turn(queues, size) : in_blocks(shares.weights, size);
    }
    const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
    if (list == nullptr || list->size() != size)
        return rejected(fmt::format("the table has {} entries, not {}", size, list ? list->size() : 1));
    std::vector<std::uint32_t> table;
    for (const std::int64_t queue : *list)
        table.push_back(static_cast<std::uint32_t>(queue));
    return table;
}

Result<Value> parse_indirection(std::string_view text)
{
    const auto words = split_words(text);
    if (!words.empty() && !is_digit(words[0].front())) {
        TRY_VOID(parse_shares(text));
        return fmt::format("{}", fmt::join(words, " "));
    }
    auto table = TRY(numbers_of(words, text));
    if (table.size() < 2) return malformed(text); // no device has so short a table: a number of queues was meant
    return Value(std::move(table));
}

std::uint32_t most_queue_named(const Value& value)
{
    if (const auto* text = std::get_if<std::string>(&value)) {
        const auto shares = parse_shares(*text);
        if (!shares) return 0;
        const auto queues = shares->in_turn ? static_cast<std::size_t>(shares->weights[0]) : shares->weights.size();
        return static_cast<std::uint32_t>(queues - 1);
    }
    const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
    return list && !list->empty() ? static_cast<std::uint32_t>(*std::ranges::max_element(*list)) : 0;
}

std::string rss_key_text(std::span<const std::byte> key)
{
    std::string text;
    for (const std::byte byte : key)
        fmt::format_to(std::back_inserter(text), "{}{:02x}", text.empty() ? "" : ":", static_cast<unsigned>(byte));
    return text;
}

Result<std::vector<std::uint8_t>> parse_rss_key(std::string_view text)
{
    std::vector<std::uint8_t> key;
    for (const std::string_view pair : split(trim(text), ':')) {
        const auto byte = parse_hex(pair);
        if (!byte || pair.size() != 2)
            return fail(
                Error::Kind::Malformed,
                fmt::format("an RSS key is bytes in hex, such as 6d:5a:56:da; '{}' is none", pair.substr(0, 16)));
        key.push_back(static_cast<std::uint8_t>(*byte));
    }
    return key;
}

std::string rss_function_name(std::uint32_t function_bits)
{
    for (std::size_t bit = 0; bit < functions.size(); ++bit)
        if (function_bits >> bit & 1) return std::string(functions[bit]);
    return {};
}

Result<std::uint32_t> parse_rss_function(std::string_view name)
{
    const auto found = std::ranges::find(functions, name);
    if (found != functions.end()) return 1U << (found - functions.begin());
    return fail(Error::Kind::Malformed,
                fmt::format("an RSS function is toeplitz, xor or crc32, not '{}'", name.substr(0, 32)));
}

std::string hash_field_letters(std::uint64_t rxh_bits)
{
    std::string text;
    for (const Letter& each : letters)
        if ((rxh_bits & each.bit) != 0) text += each.letter;
    return text;
}

Result<std::uint64_t> parse_hash_fields(std::string_view text)
{
    std::uint64_t bits = 0;
    for (const char c : trim(text)) {
        const auto found = std::ranges::find(letters, c, &Letter::letter);
        if (found == letters.end())
            return fail(
                Error::Kind::Malformed,
                fmt::format("'{}': hashed fields are letters of m v t s d f n r, such as sdfn", text.substr(0, 16)));
        bits |= found->bit;
    }
    return bits;
}

std::span<const HashedFlow> hashed_flows() { return flows; }

} // namespace netwright
