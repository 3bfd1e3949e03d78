// SPDX-License-Identifier: GPL-2.0-or-later
// The words rules share: proposing a change, and evidence with numbers.
#include "advise/remedy.h"

#include "base/text.h"
#include "catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

Result<Value> current(const Case& about, const Tunable& tunable, std::string_view key)
{
    return parse_value(tunable, TRY(about.host.sysctls.text(key)));
}

// A key that one value rules for the whole host can be seen, but not written, from inside another network namespace.
Result<void> writable_from_here(const Case& about, std::string_view key, Reach reach)
{
    const auto& space = about.host.surroundings.network_namespace;
    const bool elsewhere = space && *space != "init";
    if (elsewhere && (reach == Reach::Host || reach == Reach::HostNew))
        return fail(
            Error::Kind::Unsupported,
            fmt::format("{} belongs to the whole host and this is namespace {}: set it on the host", key, *space));
    return {};
}

std::vector<std::int64_t> raised(std::vector<std::int64_t> from, const std::vector<std::int64_t>& least)
{
    for (std::size_t i = 0; i < least.size() && i < from.size(); ++i)
        from[i] = std::max(from[i], least[i]);
    return from;
}

Result<Value> raise(std::string_view key, const Value& from, const Value& least)
{
    if (const auto* number = std::get_if<std::int64_t>(&from); number != nullptr && least.index() == from.index())
        return Value(std::max(*number, std::get<std::int64_t>(least)));
    const auto* list = std::get_if<std::vector<std::int64_t>>(&from);
    if (list == nullptr || least.index() != from.index())
        return fail(Error::Kind::Malformed,
                    fmt::format("sysctl {}: '{}' is not a number that can be raised", key, to_text(from)));
    return Value(raised(*list, std::get<std::vector<std::int64_t>>(least)));
}

Result<std::vector<Change>> change_of(const Case& about, std::string_view rule, std::string_view key, Value from,
                                      Value to, std::string why)
{
    Change change;
    change.tunable = SysctlKey{std::string(key)};
    to = TRY(parse_value(change.tunable, to_text(to))); // "8080" is a number wherever it comes from
    if (from == to) return std::vector<Change>{};
    change.risk = catalog::risk_of(change.tunable);
    change.reach = catalog::reach_of(change.tunable);
    TRY_VOID(writable_from_here(about, key, change.reach));
    change.from = std::move(from);
    change.to = std::move(to);
    change.because.emplace_back(rule);
    change.why = std::move(why);
    return std::vector<Change>{std::move(change)};
}

// The interfaces that container networks bring: name prefixes used by CNI plugins and runtimes.
constexpr std::array container_nics{
    std::string_view{"docker"}, std::string_view{"br-"},    std::string_view{"veth"},    std::string_view{"cni"},
    std::string_view{"cali"},   std::string_view{"cilium"}, std::string_view{"flannel"}, std::string_view{"lxc"},
    std::string_view{"podman"}, std::string_view{"virbr"},  std::string_view{"kube"},    std::string_view{"weave"},
};

constexpr std::array runtimes{
    std::string_view{"docker"}, std::string_view{"dockerd"},    std::string_view{"kubelet"},
    std::string_view{"podman"}, std::string_view{"containerd"}, std::string_view{"libvirtd"},
};

constexpr std::array tunnel_kinds{
    std::string_view{"wireguard"}, std::string_view{"tun"}, std::string_view{"vrf"},
    std::string_view{"vxlan"},     std::string_view{"gre"}, std::string_view{"ipip"},
};

std::string container_or_tunnel(const Snapshot& host)
{
    if (!host.nics) return {};
    for (const Nic& nic : *host.nics) {
        const auto begins = [&](std::string_view prefix) { return nic.name.starts_with(prefix); };
        if (std::ranges::any_of(container_nics, begins)) return fmt::format("interface {}", nic.name);
        if (std::ranges::find(tunnel_kinds, nic.kind) != tunnel_kinds.end())
            return fmt::format("{} interface {}", nic.kind, nic.name);
    }
    return {};
}

// Rules that every host has: local (255), main (254), default (253), at their own priorities.
std::string policy_routing(const Snapshot& host)
{
    const auto extra = [](const RoutingRule& rule) {
        return rule.table != 255 && rule.table != 254 && rule.table != 253;
    };
    if (host.rules)
        if (const auto found = std::ranges::find_if(*host.rules, extra); found != host.rules->end())
            return fmt::format("a routing rule to table {}", found->table);
    return {};
}

std::string several_ways_out(const Snapshot& host)
{
    if (!host.routes) return {};
    std::vector<std::string_view> ways;
    for (const Route& route : *host.routes) {
        if (route.destination != "default" || route.table != 254 || route.type != "unicast") continue;
        if (route.next_hops > 1) return fmt::format("a default route with {} next hops", route.next_hops);
        if (std::ranges::find(ways, route.nic) == ways.end()) ways.emplace_back(route.nic);
    }
    return ways.size() > 1 ? fmt::format("default routes through {} and {}", ways[0], ways[1]) : std::string();
}

} // namespace

Finding finding_of(Severity severity, Confidence confidence, std::string title)
{
    Finding finding;
    finding.severity = severity;
    finding.confidence = confidence;
    finding.title = std::move(title);
    return finding;
}

void note(Finding& finding, Result<Evidence> evidence)
{
    if (evidence) finding.evidence.push_back(*std::move(evidence));
}

bool said(const Case& about, std::initializer_list<Workload> workloads)
{
    return about.intent.workload.given &&
           std::ranges::any_of(workloads, [&](Workload one) { return serves(about.intent, one); });
}

Result<std::vector<Change>> set_sysctl(const Case& about, std::string_view rule, std::string_view key, Value to,
                                       std::string why)
{
    Value from = TRY(current(about, SysctlKey{std::string(key)}, key));
    return change_of(about, rule, key, std::move(from), std::move(to), std::move(why));
}

Result<std::vector<Change>> raise_sysctl(const Case& about, std::string_view rule, std::string_view key, Value least,
                                         std::string why)
{
    Value from = TRY(current(about, SysctlKey{std::string(key)}, key));
    Value to = TRY(raise(key, from, least));
    return change_of(about, rule, key, std::move(from), std::move(to), std::move(why));
}

void propose(Finding& finding, Result<std::vector<Change>> changes)
{
    if (!changes) {
        finding.advice.push_back(fmt::format("netwright cannot change it from here: {}", changes.error().what));
        return;
    }
    for (Change& change : *changes) {
        finding.risk = std::max(finding.risk, change.risk);
        finding.remedy.push_back(std::move(change));
    }
}

Result<Counter> counter_of(const Case& about, std::string_view name)
{
    if (!about.host.protocols) return std::unexpected(about.host.protocols.error());
    return about.host.protocols->at(name);
}

Result<Evidence> counter_evidence(const Case& about, std::string_view name)
{
    const Counter counter = TRY(counter_of(about, name));
    return Evidence{counter_source(name), amount(counter, about.host.interval)};
}

Result<Evidence> sysctl_evidence(const Case& about, std::string_view key)
{
    const std::string_view text = TRY(about.host.sysctls.text(key));
    return Evidence{fmt::format("sysctl {}", key), fmt::format("{}", fmt::join(split_words(text), " "))};
}

Confidence confidence_of(const Counter& counter)
{
    ENSURE(counter.growth != 0 || counter.total != 0);
    return counter.growth != 0 ? Confidence::Measured : Confidence::SinceBoot;
}

std::uint64_t seen(const Counter& counter, std::chrono::milliseconds interval)
{
    return interval.count() == 0 ? counter.total : counter.growth;
}

bool runs(const Case& about, std::string_view service)
{
    if (!about.host.services) return false;
    const auto is_it = [&](const Service& one) { return one.name == service && one.running; };
    return std::ranges::any_of(*about.host.services, is_it);
}

std::string routing_owner(const Case& about)
{
    for (const std::string_view runtime : runtimes)
        if (runs(about, runtime)) return std::string(runtime);
    if (auto seen_nic = container_or_tunnel(about.host); !seen_nic.empty()) return seen_nic;
    if (auto policy = policy_routing(about.host); !policy.empty()) return policy;
    return several_ways_out(about.host);
}

} // namespace netwright::advise
