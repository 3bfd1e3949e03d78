// SPDX-License-Identifier: GPL-2.0-or-later
// "route/default/initcwnd", "route/10.0.0.0/8@eth1/mtu", "route/default@table:100/congctl": the metrics of one route.
#include "base/ip_prefix.h"
#include "base/text.h"
#include "model/tunable_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 6> words{"initcwnd", "initrwnd", "quickack", "congctl", "mtu", "advmss"};
constexpr std::string_view form = "write route/PREFIX/METRIC; behind the prefix may stand @INTERFACE, @table:N, "
                                  "@metric:N; the metrics are initcwnd, initrwnd, quickack, congctl, mtu, advmss";

Result<std::uint32_t> number_of(std::string_view whole, std::string_view text)
{
    const auto number = parse_unsigned(text);
    if (!number || *number > 0xffffffffU || *number == 0) return refuse_address(whole, "a number is out of range");
    return static_cast<std::uint32_t>(*number);
}

// One "@…" behind the prefix.
Result<void> qualify(RouteSetting& route, std::string_view whole, std::string_view word)
{
    if (word.starts_with("table:"))
        route.table = TRY(number_of(whole, word.substr(6)));
    else if (word.starts_with("metric:"))
        route.priority = TRY(number_of(whole, word.substr(7)));
    else if (valid_interface(word) && route.nic.empty())
        route.nic = std::string(word);
    else
        return refuse_address(whole, form);
    return {};
}

Result<RouteSetting> parse(const AddressText& address)
{
    const std::string_view rest = address.whole.substr(std::min(address.whole.size(), std::size_t{6}));
    const std::size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) return refuse_address(address.whole, form);
    RouteSetting route;
    route.metric = std::string(rest.substr(slash + 1));
    if (std::ranges::find(words, route.metric) == words.end()) return refuse_address(address.whole, form);
    const auto places = split(rest.substr(0, slash), '@');
    const auto prefix = parse_ip_prefix(places.front());
    if (!prefix) return refuse_address(address.whole, prefix.error().what);
    if (prefix->network() != *prefix)
        return refuse_address(address.whole, fmt::format("{} has bits behind its length: write {}", to_text(*prefix),
                                                         to_text(prefix->network())));
    route.destination = to_text(*prefix);
    for (std::size_t place = 1; place < places.size(); ++place)
        TRY_VOID(qualify(route, address.whole, places[place]));
    return route;
}

std::string text_of(const RouteSetting& route)
{
    std::string text = "route/" + route.destination;
    if (!route.nic.empty()) text += "@" + route.nic;
    if (route.table != RouteSetting::main_table) text += fmt::format("@table:{}", route.table);
    if (route.priority) text += fmt::format("@metric:{}", *route.priority);
    return text + "/" + route.metric;
}

Result<Value> value_of(const RouteSetting& route, std::string_view text)
{
    const std::string_view word = trim(text);
    if (word.empty()) return Value{std::string{}};
    if (route.metric != "congctl") return count_value(text_of(route), word);
    if (word.size() > 15 || !plain_characters(word)) // TCP_CA_NAME_MAX
        return fail(Error::Kind::Malformed,
                    fmt::format("{}: '{}' is no algorithm", text_of(route), word.substr(0, 32)));
    return Value{std::string(word)};
}

Persistence persistence_of(const RouteSetting&) { return Persistence::BootUnit; }

} // namespace

constexpr AddressKind route_address = TypedAddressKind<RouteSetting>::of<parse, text_of, value_of, persistence_of>(
    "route", "route/PREFIX[@INTERFACE][@table:N][@metric:N]/initcwnd|initrwnd|quickack|congctl|mtu|advmss",
    "what TCP does on one route: first windows in segments, quick acknowledgements, algorithm, sizes in bytes",
    "route/default/initcwnd");

} // namespace netwright
