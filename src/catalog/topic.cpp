// SPDX-License-Identifier: GPL-2.0-or-later
// Finding counters and drop reasons by their names.
#include "catalog/topic.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <string>

namespace netwright::catalog {
namespace {

constexpr std::string_view drop_prefix = "SKB_DROP_REASON_";
// Protocol groups whose names stand before a counter's own.
constexpr std::array<std::string_view, 12> groups{"TcpExt", "Tcp",  "IpExt", "Ip6",      "Ip",      "Icmp6",
                                                  "Icmp",   "Udp6", "Udp",   "UdpLite6", "UdpLite", "MPTcpExt"};

std::string lower(std::string_view text)
{
    std::string low(text);
    for (char& c : low)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return low;
}

bool is_pattern(std::string_view name) { return name.find_first_of("*?") != std::string_view::npos; }

bool has_short_name(const Topic& topic, std::string_view low)
{
    return std::ranges::any_of(groups, [&](std::string_view group) {
        return topic.name.starts_with(group) && lower(topic.name.substr(group.size())) == low;
    });
}

bool is_called(const Topic& topic, std::string_view low)
{
    return lower(topic.name) == low || has_short_name(topic, low) ||
           std::ranges::any_of(topic.also,
                               [&](std::string_view name) { return !is_pattern(name) && lower(name) == low; });
}

bool fits_pattern(const Topic& topic, std::string_view low)
{
    return std::ranges::any_of(topic.also,
                               [&](std::string_view name) { return is_pattern(name) && glob_match(lower(name), low); });
}

// Patterns overlap ("*rx_discard*", "*drop*"): what names a cause comes before what only says that something dropped.
constexpr std::array<std::string_view, 12> pattern_order{
    "driver.allowance",     "driver.wire",    "driver.checksum", "driver.no-buffer",
    "driver.allocation",    "driver.timeout", "driver.pause",    "driver.xdp",
    "driver.transmit-stop", "driver.dropped", "driver.queue",    "xfrm"};

} // namespace

std::string_view to_text(Harm harm)
{
    constexpr std::array<std::string_view, 4> words{"harmless", "policy", "depends", "harmful"};
    return words.at(static_cast<std::size_t>(harm));
}

std::string_view to_text(TopicKind kind)
{
    constexpr std::array<std::string_view, 3> words{"counter", "gauge", "drop reason"};
    return words.at(static_cast<std::size_t>(kind));
}

const Topic* find_topic(std::string_view name)
{
    if (name.starts_with(drop_prefix)) name.remove_prefix(drop_prefix.size());
    const auto table = topics();
    const auto at = std::ranges::lower_bound(table, name, {}, &Topic::name);
    return at != table.end() && at->name == name ? &*at : nullptr;
}

std::vector<const Topic*> topics_named(std::string_view name)
{
    if (const Topic* exact = find_topic(name)) return {exact};
    const std::string low = lower(name.starts_with(drop_prefix) ? name.substr(drop_prefix.size()) : name);
    std::vector<const Topic*> found;
    for (const Topic& topic : topics())
        if (is_called(topic, low)) found.push_back(&topic);
    if (!found.empty()) return found;
    for (const std::string_view owner : pattern_order)
        if (const Topic* topic = find_topic(owner); topic != nullptr && fits_pattern(*topic, low)) return {topic};
    return {};
}

} // namespace netwright::catalog
