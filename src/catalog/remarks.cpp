// SPDX-License-Identifier: GPL-2.0-or-later
// What a person should know about a value that is accepted all the same.
#include "catalog/catalog.h"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace netwright::catalog {
namespace {

using Numbers = std::vector<std::int64_t>;
using Remark = std::optional<std::string>;

Remark rounded_up(const Numbers& numbers)
{
    const auto number = static_cast<std::uint64_t>(numbers[0]);
    if (numbers[0] <= 0 || std::has_single_bit(number) || number > std::uint64_t{1} << 62) return std::nullopt;
    return fmt::format("the kernel rounds {} up to a power of two, {}", number, std::bit_ceil(number));
}

// connect() starts with ports of the low end's parity, bind(0) with the other (net/ipv4/inet_hashtables.c).
Remark same_parity(const Numbers& numbers)
{
    if (numbers.size() != 2 || (numbers[0] ^ numbers[1]) & 1) return std::nullopt;
    return "the kernel prefers ends of different parity (one even, one odd): connect() and bind() search alternate "
           "ports";
}

Remark without_ipv6(const Numbers& numbers)
{
    if (numbers[0] >= 1280) return std::nullopt;
    return "IPv6 needs an MTU of at least 1280 bytes: below that the kernel removes it from the interface";
}

Remark no_queue(const Numbers& numbers)
{
    if (numbers[0] != 0) return std::nullopt;
    return "a queue of length 0 makes pfifo and bfifo hold a single packet";
}

struct Row {
    std::string_view key;
    Remark (*remark)(const Numbers&);
};
constexpr std::array rows{
    Row{"link.mtu", without_ipv6},
    Row{"link.txqueuelen", no_queue},
    Row{"net.core.rps_sock_flow_entries", rounded_up},
    Row{"net.ipv4.ip_local_port_range", same_parity},
    Row{"queue.rps_flow_cnt", rounded_up},
};

} // namespace

std::vector<std::string> remarks(const Tunable& tunable, const Value& value)
{
    const Parameter* parameter = find(tunable);
    const auto* number = std::get_if<std::int64_t>(&value);
    const auto* list = std::get_if<Numbers>(&value);
    const Numbers numbers = number ? Numbers{*number} : list ? *list : Numbers{};
    std::vector<std::string> result;
    if (!parameter || numbers.empty()) return result;
    for (const Row& row : rows)
        if (row.key == parameter->key)
            if (auto remark = row.remark(numbers)) result.push_back(*std::move(remark));
    return result;
}

} // namespace netwright::catalog
