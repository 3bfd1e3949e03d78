// SPDX-License-Identifier: GPL-2.0-or-later
// What a steering policy says that its author may not mean.
#include "dataplane/steer_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::dataplane {
namespace {

bool inside(const Prefix& inner, const Prefix& outer)
{
    return outer.length <= inner.length && outer.holds(inner.ipv6, inner.address);
}
bool inside(const Range& inner, const Range& outer) { return outer.first <= inner.first && inner.last <= outer.last; }
bool inside(std::uint8_t inner, std::uint8_t outer) { return inner == outer; }

// Empty: everything. Pieces that only together cover one are not looked for.
template <class Value>
bool covers(const std::vector<Value>& wide, const std::vector<Value>& narrow)
{
    if (wide.empty()) return true;
    return !narrow.empty() && std::ranges::all_of(narrow, [&](const Value& inner) {
        return std::ranges::any_of(wide, [&](const Value& outer) { return inside(inner, outer); });
    });
}

bool covers(const std::string& wide, const std::string& narrow)
{
    return wide.empty() || wide == narrow || (wide == "/" && !narrow.empty()) || narrow.starts_with(wide + "/");
}

bool covers(const std::bitset<STEER_DSCPS>& wide, const std::bitset<STEER_DSCPS>& narrow)
{
    return wide.none() || (narrow.any() && (narrow & ~wide).none());
}

template <class Value>
bool covers(const std::optional<Value>& wide, const std::optional<Value>& narrow)
{
    return !wide || wide == narrow;
}

bool covers(const SteerClass& wide, const SteerClass& narrow)
{
    return wide.side == narrow.side && covers(wide.family, narrow.family) && covers(wide.protocols, narrow.protocols) &&
           covers(wide.from, narrow.from) && covers(wide.to, narrow.to) &&
           covers(wide.source_ports, narrow.source_ports) && covers(wide.destination_ports, narrow.destination_ports) &&
           covers(wide.dscps, narrow.dscps) && covers(wide.cgroup, narrow.cgroup) &&
           covers(wide.payload, narrow.payload);
}

} // namespace

std::vector<std::string> doubts(const SteerPolicy& policy)
{
    std::vector<std::string> found;
    for (auto later = policy.classes.begin(); later != policy.classes.end(); ++later) {
        const auto earlier =
            std::find_if(policy.classes.begin(), later, [&](const SteerClass& first) { return covers(first, *later); });
        if (earlier != later)
            found.push_back(fmt::format("class '{}' (line {}) stays empty: all its packets belong to '{}' (line {})",
                                        later->name, later->line, earlier->name, earlier->line));
    }
    return found;
}

} // namespace netwright::dataplane
