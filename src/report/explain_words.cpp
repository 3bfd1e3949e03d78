// SPDX-License-Identifier: GPL-2.0-or-later
// The words for what the catalogue keeps as enumerators and numbers.
#include "report/explain_report.h"

#include <fmt/format.h>

#include <array>

namespace netwright::report {
namespace {

std::string limit(const catalog::Bound& bound)
{
    if (bound.least && bound.most) return fmt::format("{} to {}", *bound.least, *bound.most);
    if (bound.least) return fmt::format("{} or more", *bound.least);
    return fmt::format("{} or less", bound.most.value_or(0));
}

bool all_equal(std::span<const catalog::Bound> bounds)
{
    for (const catalog::Bound& one : bounds)
        if (one.least != bounds.front().least || one.most != bounds.front().most) return false;
    return true;
}

std::string list_range(const catalog::Parameter& parameter)
{
    const auto bounds = parameter.bounds;
    if (bounds.empty()) return "a list of numbers";
    if (bounds.size() == 1) return fmt::format("a list of numbers, each {}", limit(bounds.front()));
    if (all_equal(bounds)) return fmt::format("{} numbers, each {}", bounds.size(), limit(bounds.front()));
    std::string text = fmt::format("{} numbers: ", bounds.size());
    for (std::size_t i = 0; i < bounds.size(); ++i)
        text += (i ? "; " : "") + limit(bounds[i]);
    return text;
}

// ethtool(8) says on and off where a sysctl says 1 and 0.
bool is_switch(const catalog::Parameter& parameter)
{
    return parameter.type == catalog::Type::Boolean && parameter.plane == catalog::Plane::Ethtool;
}

} // namespace

std::string range_text(const catalog::Parameter& parameter)
{
    std::string text;
    switch (parameter.type) {
    case catalog::Type::Boolean:
        return is_switch(parameter) ? "on or off" : "0 or 1";
    case catalog::Type::Integer:
        text = parameter.bounds.empty() ? "a number" : limit(parameter.bounds.front());
        break;
    case catalog::Type::IntegerList:
        text = list_range(parameter);
        break;
    case catalog::Type::CpuMask:
        return "a set of CPUs";
    case catalog::Type::PortRanges:
        return "ports and ranges of ports";
    case catalog::Type::Text:
        return "text";
    }
    return parameter.unit.empty() ? text : fmt::format("{} ({})", text, parameter.unit);
}

std::string default_text(const catalog::Parameter& parameter, KernelVersion kernel)
{
    for (const catalog::DefaultSince& one : parameter.defaults) { // newest first
        if (one.since > kernel) continue;
        if (!one.computed.empty()) return fmt::format("computed: {}", one.computed);
        return is_switch(parameter) ? (one.value == "1" ? "on" : "off") : std::string(one.value);
    }
    return {};
}

std::string_view scope_text(catalog::Scope scope)
{
    constexpr std::array<std::string_view, 7> words{
        "the whole host", "each network namespace", "each interface", "each device", "each queue", "each socket",
        "each process"};
    return words.at(static_cast<std::size_t>(scope));
}

std::string namespace_since_text(const catalog::Parameter& parameter)
{
    const KernelVersion since = parameter.namespace_since;
    return since == KernelVersion{} ? "" : fmt::format("{}.{}", since.major, since.minor);
}

std::string reach_text(const catalog::Parameter& parameter, KernelVersion kernel)
{
    const std::string_view now = scope_text(catalog::scope_for(parameter, kernel));
    const std::string since = namespace_since_text(parameter);
    if (since.empty()) return std::string(now);
    return kernel < parameter.namespace_since
               ? fmt::format("{} ({} from Linux {} on)", now, scope_text(parameter.scope), since)
               : fmt::format("{} (the whole host before Linux {})", now, since);
}

std::string_view plane_text(catalog::Plane plane)
{
    constexpr std::array<std::string_view, 15> words{
        "sysctl",  "ethtool",   "link",    "sysfs", "interrupt",      "qdisc",
        "route",   "netfilter", "program", "limit", "boot parameter", "module parameter",
        "service", "cgroup",    "CPU"};
    return words.at(static_cast<std::size_t>(plane));
}

std::string_view policy_text(catalog::Policy policy)
{
    constexpr std::array<std::string_view, 5> words{
        "proposes a change where it sees a need", "reports a value that differs from what is sound",
        "explains it and leaves it alone", "never sets it", "can only be read"};
    return words.at(static_cast<std::size_t>(policy));
}

} // namespace netwright::report
