// SPDX-License-Identifier: GPL-2.0-or-later
// From addresses of qdiscs and routes to the snapshot.
#include "plan/present_path.h"

#include "base/ip_prefix.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::plan {
namespace {

using Now = Result<std::optional<Value>>;

std::optional<Value> counted(const std::optional<std::uint32_t>& number)
{
    return number ? std::optional<Value>(std::int64_t{*number}) : std::nullopt;
}

std::optional<Value> metric_of(const RouteMetrics& metrics, std::string_view word)
{
    if (word == "initcwnd") return counted(metrics.initcwnd);
    if (word == "initrwnd") return counted(metrics.initrwnd);
    if (word == "quickack") return counted(metrics.quickack);
    if (word == "mtu") return counted(metrics.mtu);
    if (word == "advmss") return counted(metrics.advmss);
    return metrics.congestion_control ? std::optional<Value>(*metrics.congestion_control) : std::nullopt;
}

bool is_meant(const RouteSetting& setting, const Route& route, const IpPrefix& prefix)
{
    if (route.type != "unicast" || (route.family == "ipv6") != prefix.is_ipv6 || route.table != setting.table)
        return false;
    const bool same = prefix.is_default() ? route.destination == "default" : route.destination == to_text(prefix);
    return same && (setting.nic.empty() || route.nic == setting.nic) &&
           (!setting.priority || route.priority == *setting.priority);
}

} // namespace

Now qdisc_value(const Snapshot& host, const QdiscPlace& place)
{
    if (!host.qdiscs) return std::unexpected(host.qdiscs.error());
    const auto root = std::ranges::find_if(
        *host.qdiscs, [&](const Qdisc& one) { return one.nic == place.nic && one.parent == "root"; });
    if (root == host.qdiscs->end())
        return fail(Error::Kind::Absent, fmt::format("{}: no qdisc was seen there", to_text(Tunable{place})));
    if (place.place == "root" && root->handle == "0:") return std::optional<Value>{};
    return fail(
        Error::Kind::Unsupported,
        fmt::format("{}: somebody has set it, and a snapshot does not show its options", to_text(Tunable{place})));
}

Now route_value(const Snapshot& host, const RouteSetting& setting)
{
    if (!host.routes) return std::unexpected(host.routes.error());
    const IpPrefix prefix = TRY(parse_ip_prefix(setting.destination));
    const auto meant = [&](const Route& route) { return is_meant(setting, route, prefix); };
    const auto found = std::ranges::find_if(*host.routes, meant);
    if (found == host.routes->end())
        return fail(Error::Kind::Absent, fmt::format("{}: no such route", to_text(Tunable{setting})));
    if (std::any_of(found + 1, host.routes->end(), meant))
        return fail(Error::Kind::Rejected, fmt::format("{}: several such routes", to_text(Tunable{setting})));
    return metric_of(found->metrics, setting.metric);
}

} // namespace netwright::plan
