// SPDX-License-Identifier: GPL-2.0-or-later
// "rule/ipv4/10010" and "table/210/default": policy routing rules, and routes in tables of our own.
#include "base/ip_prefix.h"
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace netwright {
namespace {

constexpr unsigned lowest_kernel_rule = 32766; // "lookup main"; "lookup default" follows; "lookup local" is 0
constexpr unsigned first_kernel_table = 253;   // default, main, local

Result<Value> words_value(std::string_view text) { return Value{fmt::format("{}", fmt::join(split_words(text), " "))}; }

Result<RuleSlot> parse_rule(const AddressText& address)
{
    const auto& parts = address.parts;
    const auto priority = parts.size() == 3 ? parse_unsigned(parts[2]) : fail(Error::Kind::Malformed, "");
    const bool family = parts.size() == 3 && (parts[1] == "ipv4" || parts[1] == "ipv6");
    if (!family || !priority || *priority == 0 || *priority >= lowest_kernel_rule)
        return refuse_address(address.whole, "write rule/ipv4/PRIORITY or rule/ipv6/PRIORITY, with 1 to 32765");
    return RuleSlot{parts[1] == "ipv6", static_cast<std::uint32_t>(*priority)};
}

std::string text_of_rule(const RuleSlot& rule)
{
    return fmt::format("rule/{}/{}", rule.is_ipv6 ? "ipv6" : "ipv4", rule.priority);
}

Result<Value> rule_value(const RuleSlot&, std::string_view text) { return words_value(text); }
Persistence rule_persistence(const RuleSlot&) { return Persistence::BootUnit; }

Result<TableRoute> parse_route(const AddressText& address)
{
    const auto& parts = address.parts;
    const auto table = parts.size() >= 3 ? parse_unsigned(parts[1]) : fail(Error::Kind::Malformed, "");
    if (!table || *table == 0 || *table > 0xffffffffU || (*table >= first_kernel_table && *table <= 255))
        return refuse_address(address.whole, "write table/N/PREFIX, with a table of your own: not 0, nor 253 to 255");
    const auto prefix = parse_ip_prefix(address.whole.substr(parts[0].size() + parts[1].size() + 2));
    if (!prefix) return refuse_address(address.whole, prefix.error().what);
    if (prefix->network() != *prefix) return refuse_address(address.whole, "the prefix has bits behind its length");
    return TableRoute{static_cast<std::uint32_t>(*table), to_text(*prefix)};
}

std::string text_of_route(const TableRoute& route)
{
    return fmt::format("table/{}/{}", route.table, route.destination);
}

Result<Value> route_value(const TableRoute&, std::string_view text) { return words_value(text); }
Persistence route_persistence(const TableRoute&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind rule_address =
    TypedAddressKind<RuleSlot>::of<parse_rule, text_of_rule, rule_value, rule_persistence>(
        "rule", "rule/ipv4|ipv6/PRIORITY", "a policy routing rule, such as from 192.0.2.10 lookup 210",
        "rule/ipv4/10010");

constexpr AddressKind table_address =
    TypedAddressKind<TableRoute>::of<parse_route, text_of_route, route_value, route_persistence>(
        "table", "table/N/PREFIX", "a route in a routing table of your own, such as via 192.0.2.1 dev eth0",
        "table/210/default");

} // namespace netwright
