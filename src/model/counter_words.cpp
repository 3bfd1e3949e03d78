// SPDX-License-Identifier: GPL-2.0-or-later
// The words for counters.
#include "model/counter_words.h"

#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

struct CounterPlace {
    std::string_view prefix, file;
};

// Longest prefix first: "TcpExt" is not a field of "Tcp".
constexpr std::array counter_places{
    CounterPlace{"MPTcpExt", "/proc/net/netstat"}, CounterPlace{"TcpExt", "/proc/net/netstat"},
    CounterPlace{"IpExt", "/proc/net/netstat"},    CounterPlace{"UdpLite", "/proc/net/snmp"},
    CounterPlace{"IcmpMsg", "/proc/net/snmp"},     CounterPlace{"Icmp", "/proc/net/snmp"},
    CounterPlace{"Tcp", "/proc/net/snmp"},         CounterPlace{"Udp", "/proc/net/snmp"},
    CounterPlace{"Ip", "/proc/net/snmp"},
};

} // namespace

std::string grouped(std::uint64_t number)
{
    std::string text = std::to_string(number);
    for (std::size_t from_end = 3; from_end < text.size(); from_end += 4)
        text.insert(text.size() - from_end, 1, ',');
    return text;
}

std::string amount(const Counter& counter, std::chrono::milliseconds interval)
{
    if (interval.count() == 0) return fmt::format("{} since boot", grouped(counter.total));
    return fmt::format("{} in {} ({} since boot)", grouped(counter.growth), duration_text(interval),
                       grouped(counter.total));
}

std::string counter_source(std::string_view name)
{
    const auto begins = [&](const CounterPlace& place) { return name.starts_with(place.prefix); };
    const auto place = std::ranges::find_if(counter_places, begins);
    if (place == counter_places.end() || name.starts_with("Ip6") || name.starts_with("Udp6") ||
        name.starts_with("Icmp6"))
        return fmt::format("/proc/net/snmp6 {}", name);
    return fmt::format("{} {}.{}", place->file, place->prefix, name.substr(place->prefix.size()));
}

} // namespace netwright
