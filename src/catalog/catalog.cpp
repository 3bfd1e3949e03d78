// SPDX-License-Identifier: GPL-2.0-or-later
// Finding entries: by exact key, by pattern for per-interface keys, by likeness for misspelt ones.
#include "catalog/catalog.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::catalog {
namespace {

constexpr std::string_view placeholder = "IFACE";
// Directories of /proc/sys that hold one directory an interface, beside "all" and "default".
constexpr std::array per_interface{std::string_view{"net.ipv4.conf."}, std::string_view{"net.ipv6.conf."},
                                   std::string_view{"net.ipv4.neigh."}, std::string_view{"net.ipv6.neigh."},
                                   std::string_view{"net.mpls.conf."}};

const Parameter* find_exact(std::string_view key)
{
    const auto table = all();
    const auto at = std::ranges::lower_bound(table, key, {}, &Parameter::key);
    return at != table.end() && at->key == key ? &*at : nullptr;
}

// "net.ipv4.conf.eth0/1.rp_filter" becomes "net.ipv4.conf.IFACE.rp_filter"; nothing for keys of no interface.
std::optional<std::string> pattern_of(std::string_view key)
{
    for (const std::string_view directory : per_interface) {
        if (!key.starts_with(directory)) continue;
        const std::string_view rest = key.substr(directory.size());
        const std::size_t dot = rest.find('.'); // a dot of the interface's own name is a slash here
        if (dot == 0 || dot == std::string_view::npos || dot + 1 == rest.size()) return std::nullopt;
        return std::string(directory).append(placeholder).append(rest.substr(dot));
    }
    return std::nullopt;
}

std::string_view last_component(std::string_view key) { return key.substr(key.rfind('.') + 1); }

struct Likeness {
    std::size_t distance, whole_key; // by the better of both ways, then by the whole key
    std::string_view key;
    auto operator<=>(const Likeness&) const = default;
};

std::optional<Likeness> likeness(std::string_view key, std::string_view known, std::size_t limit)
{
    const auto leaf = edit_distance_within(limit, last_component(key), last_component(known));
    const auto whole = leaf ? edit_distance(key, known) : edit_distance_within(limit, key, known);
    if (!whole) return std::nullopt;
    const std::size_t distance = std::min(*whole, leaf.value_or(*whole));
    return Likeness{distance, *whole, known};
}

std::string_view queue_key(QueueSetting::What what)
{
    switch (what) {
    case QueueSetting::What::RpsCpus:
        return "queue.rps_cpus";
    case QueueSetting::What::RpsFlowCount:
        return "queue.rps_flow_cnt";
    case QueueSetting::What::XpsCpus:
        return "queue.xps_cpus";
    case QueueSetting::What::XpsRxQueues:
        return "queue.xps_rxqs";
    }
    return "";
}

struct EntryOf {
    const Parameter* operator()(const SysctlKey& sysctl) const { return find(std::string_view(sysctl.name)); }
    const Parameter* operator()(const LinkSetting& link) const
    {
        return find(fmt::format("link.{}", to_text(link.what)));
    }
    const Parameter* operator()(const QueueSetting& queue) const { return find(queue_key(queue.what)); }
    template <class Other>
    const Parameter* operator()(const Other&) const // their driver or subsystem knows the limits, not the catalogue
    {
        return nullptr;
    }
};

} // namespace

const Parameter* find(std::string_view key)
{
    if (const Parameter* exact = find_exact(key)) return exact;
    const auto pattern = pattern_of(key);
    return pattern ? find_exact(*pattern) : nullptr;
}

const Parameter* find(const Tunable& tunable) { return std::visit(EntryOf{}, tunable); }

std::vector<std::string_view> nearest(std::string_view key, std::size_t most)
{
    // Two slips in a short name, one in three letters of a long one; further away the guess would only confuse.
    const std::string pattern = pattern_of(key).value_or(std::string(key));
    const std::size_t limit = std::max<std::size_t>(2, last_component(pattern).size() / 3);
    std::vector<Likeness> close;
    for (const Parameter& parameter : all())
        if (const auto one = likeness(pattern, parameter.key, limit)) close.push_back(*one);
    std::ranges::sort(close);
    std::vector<std::string_view> keys;
    for (std::size_t i = 0; i < std::min(most, close.size()); ++i)
        keys.push_back(close[i].key);
    return keys;
}

std::optional<std::string_view> default_for(const Parameter& parameter, KernelVersion kernel)
{
    for (const DefaultSince& one : parameter.defaults) { // newest first
        if (one.since > kernel) continue;
        if (!one.computed.empty()) return std::nullopt;
        return one.value;
    }
    return std::nullopt;
}

Scope scope_for(const Parameter& parameter, KernelVersion kernel)
{
    return kernel < parameter.namespace_since ? Scope::Host : parameter.scope;
}

Reach reach_of(const Tunable& tunable)
{
    if (std::holds_alternative<CongestionAddress>(tunable)) return Reach::HostNew; // cgroups know no namespaces
    const bool of_paths = std::holds_alternative<RouteSetting>(tunable) || std::holds_alternative<RuleSlot>(tunable) ||
                          std::holds_alternative<TableRoute>(tunable) || std::holds_alternative<NotrackPort>(tunable) ||
                          std::holds_alternative<MptcpSetting>(tunable) || std::holds_alternative<PacketPath>(tunable);
    if (of_paths) return Reach::Namespace;
    if (std::holds_alternative<ServiceSetting>(tunable)) return Reach::HostNew; // from the service's next start on
    if (std::holds_alternative<InterruptAffinity>(tunable) || std::holds_alternative<CpuSetting>(tunable))
        return Reach::Host;
    if (!std::holds_alternative<SysctlKey>(tunable)) return Reach::Device;
    const Parameter* parameter = find(tunable);
    if (!parameter) return Reach::Host; // unknown: assume the widest
    if (parameter->scope == Scope::Host) return parameter->only_new ? Reach::HostNew : Reach::Host;
    return parameter->only_new ? Reach::NamespaceNew : Reach::Namespace;
}

Risk risk_of(const Tunable& tunable)
{
    const Parameter* parameter = find(tunable);
    return parameter ? parameter->risk : Risk::Medium; // unknown is not harmless
}

} // namespace netwright::catalog
