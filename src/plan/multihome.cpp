// SPDX-License-Identifier: GPL-2.0-or-later
// Who has a gateway, which tables and priorities are free, what goes into them.
#include "plan/multihome.h"

#include "base/ip_prefix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace netwright::plan {
namespace {

constexpr std::uint32_t main_table = 254;
constexpr std::size_t most_copied = 64; // routes: more belong to a routing daemon, which knows better

struct Uplink {
    std::string nic, gateway;
    std::vector<const InterfaceAddress*> addresses;
};

// All of one family.
struct View {
    bool is_ipv6 = false;
    std::vector<const InterfaceAddress*> addresses;
    std::vector<const Route*> routes;
    std::vector<const RoutingRule*> rules;
};

Result<View> view_of(const Snapshot& host, bool is_ipv6)
{
    if (!host.addresses) return std::unexpected(host.addresses.error());
    if (!host.routes) return std::unexpected(host.routes.error());
    if (!host.rules) return std::unexpected(host.rules.error());
    const std::string_view family = is_ipv6 ? "ipv6" : "ipv4";
    View view{is_ipv6, {}, {}, {}};
    for (const auto& address : *host.addresses)
        if (address.family == family && address.scope == "global" && !address.temporary && !address.deprecated)
            view.addresses.push_back(&address);
    for (const auto& route : *host.routes)
        if (route.family == family && route.type == "unicast") view.routes.push_back(&route);
    for (const auto& rule : *host.rules)
        if (rule.family == family) view.rules.push_back(&rule);
    return view;
}

std::string gateway_of(const View& view, const std::string& nic, const MultihomeOptions& options)
{
    const auto [first, last] = options.gateways.equal_range(nic);
    for (auto given = first; given != last; ++given)
        if ((given->second.find(':') != std::string::npos) == view.is_ipv6) return given->second;
    for (const Route* route : view.routes)
        if (route->destination == "default" && route->nic == nic && !route->gateway.empty()) return route->gateway;
    return {};
}

std::vector<Uplink> uplinks_of(const View& view, const MultihomeOptions& options)
{
    std::vector<Uplink> uplinks;
    for (const InterfaceAddress* address : view.addresses) {
        const auto known = std::ranges::find(uplinks, address->nic, &Uplink::nic);
        if (known != uplinks.end()) {
            known->addresses.push_back(address);
            continue;
        }
        std::string gateway = gateway_of(view, address->nic, options);
        if (!gateway.empty()) uplinks.push_back({address->nic, std::move(gateway), {address}});
    }
    return uplinks;
}

std::string network_text(const InterfaceAddress& address)
{
    auto prefix = parse_ip_prefix(address.address).value_or(IpPrefix{});
    prefix.length = address.length;
    return to_text(prefix.network());
}

bool on_link(const Uplink& uplink)
{
    const auto gateway = parse_ip_prefix(uplink.gateway);
    if (!gateway) return false;
    if (parse_ip_prefix("fe80::/10")->contains(*gateway)) return true;
    return std::ranges::any_of(uplink.addresses, [&](const InterfaceAddress* address) {
        const auto network = parse_ip_prefix(network_text(*address));
        return network && network->contains(*gateway);
    });
}

class Builder {
public:
    Builder(const View& view, const std::vector<Uplink>& uplinks, const MultihomeOptions& options, Multihome& out)
        : view_(view), uplinks_(uplinks), out_(out), table_(options.first_table), priority_(options.first_priority)
    {
    }

    void build()
    {
        for (const Uplink& uplink : uplinks_)
            home(uplink);
        out_.changes.insert(out_.changes.end(), rules_.begin(), rules_.end());
    }

private:
    const RoutingRule* rule_from(const std::string& address) const
    {
        const auto found = std::ranges::find_if(
            view_.rules, [&](const RoutingRule* rule) { return rule->source == address && rule->action == "lookup"; });
        return found == view_.rules.end() ? nullptr : *found;
    }

    void home(const Uplink& uplink)
    {
        std::vector<const InterfaceAddress*> homeless;
        for (const InterfaceAddress* address : uplink.addresses) {
            out_.homes.push_back({address->address, uplink.nic, uplink.gateway});
            if (const RoutingRule* rule = rule_from(address->address))
                out_.notes.push_back(fmt::format("{} has a rule already (priority {}, table {}): left alone",
                                                 address->address, rule->priority, rule->table));
            else
                homeless.push_back(address);
        }
        if (homeless.empty()) return;
        const std::uint32_t table = free_table();
        fill(uplink, table);
        for (const InterfaceAddress* address : homeless)
            add_rule(*address, table, uplink);
    }

    void fill(const Uplink& uplink, std::uint32_t table)
    {
        std::set<std::string> filled;
        for (const InterfaceAddress* address : uplink.addresses) {
            const std::string network = network_text(*address);
            if (address->length < (view_.is_ipv6 ? 128U : 32U) && filled.insert(network).second)
                add_route(table, network, fmt::format("dev {} src {}", uplink.nic, address->address),
                          fmt::format("neighbours of {} are reached directly", uplink.nic));
        }
        copy_others(table, filled);
        add_route(table, view_.is_ipv6 ? "::/0" : "default",
                  fmt::format("via {} dev {}{}", uplink.gateway, uplink.nic, on_link(uplink) ? "" : " onlink"),
                  fmt::format("packets of {}'s addresses leave through its own gateway", uplink.nic));
    }

    // Containers, VPNs, internal networks: what the main table reaches through no provider at all.
    void copy_others(std::uint32_t table, std::set<std::string>& filled)
    {
        std::size_t copied = 0;
        for (const Route* route : view_.routes) {
            const bool provider = std::ranges::find(uplinks_, route->nic, &Uplink::nic) != uplinks_.end();
            const bool meant = route->table == main_table && route->destination != "default" && !provider &&
                               !route->nic.empty() && route->nic != "lo" && !route->destination.starts_with("fe80:");
            if (!meant || !filled.insert(route->destination).second) continue;
            if (++copied > most_copied) {
                out_.notes.push_back(
                    fmt::format("table {} holds the first {} of the other routes only", table, most_copied));
                return;
            }
            add_route(table, route->destination,
                      fmt::format("{}dev {}", route->gateway.empty() ? "" : "via " + route->gateway + " ", route->nic),
                      fmt::format("{} stays reachable, as in the main table", route->destination));
        }
    }

    void add_route(std::uint32_t table, const std::string& destination, std::string to, std::string why)
    {
        out_.changes.push_back(change(TableRoute{table, destination}, std::move(to), std::move(why)));
    }

    void add_rule(const InterfaceAddress& address, std::uint32_t table, const Uplink& uplink)
    {
        rules_.push_back(change(RuleSlot{view_.is_ipv6, free_priority()},
                                fmt::format("from {} lookup {}", address.address, table),
                                fmt::format("answers from {} leave through {}", address.address, uplink.nic)));
    }

    static Change change(Tunable tunable, std::string to, std::string why)
    {
        Change one;
        one.tunable = std::move(tunable);
        one.to = std::move(to);
        one.why = std::move(why);
        one.risk = Risk::Medium;
        one.reach = Reach::Namespace;
        return one;
    }

    std::uint32_t free_table()
    {
        const auto taken = [&](std::uint32_t table) {
            return (table >= 253 && table <= 255) ||
                   std::ranges::any_of(view_.routes, [&](const Route* route) { return route->table == table; }) ||
                   std::ranges::any_of(view_.rules, [&](const RoutingRule* rule) { return rule->table == table; });
        };
        while (taken(table_))
            ++table_;
        return table_++;
    }

    std::uint32_t free_priority()
    {
        const auto taken = [&](std::uint32_t priority) {
            return std::ranges::any_of(view_.rules,
                                       [&](const RoutingRule* rule) { return rule->priority == priority; });
        };
        while (taken(priority_))
            ++priority_;
        return priority_++;
    }

    const View& view_;
    const std::vector<Uplink>& uplinks_;
    Multihome& out_;
    std::vector<Change> rules_;
    std::uint32_t table_, priority_;
};

void add_family_notes(const View& view, const std::vector<Uplink>& uplinks, Multihome& out)
{
    for (const Route* route : view.routes)
        if (route->destination == "default" && route->protocol == "ra") {
            out.notes.push_back(
                "the IPv6 gateway came from router advertisements: if the router changes its address, run "
                "netwright multihome again");
            break;
        }
    std::set<std::string> networks;
    for (const Uplink& uplink : uplinks)
        for (const InterfaceAddress* address : uplink.addresses)
            if (const std::string network = network_text(*address);
                !view.is_ipv6 && address == uplink.addresses.front() && !networks.insert(network).second)
                out.notes.push_back(fmt::format("two interfaces share {}: set net.ipv4.conf.all.arp_ignore=1 and "
                                                "arp_announce=2, or each answers for the other",
                                                network));
}

} // namespace

Result<Multihome> plan_multihome(const Snapshot& host, const MultihomeOptions& options)
{
    Multihome out;
    for (const bool is_ipv6 : {false, true}) {
        const View view = TRY(view_of(host, is_ipv6));
        const auto uplinks = uplinks_of(view, options);
        if (uplinks.size() < 2) {
            out.notes.push_back(fmt::format("{}: {} interface{} with a gateway, so there is nothing to choose between",
                                            is_ipv6 ? "IPv6" : "IPv4", uplinks.size(), uplinks.size() == 1 ? "" : "s"));
            continue;
        }
        Builder(view, uplinks, options, out).build();
        add_family_notes(view, uplinks, out);
    }
    return out;
}

} // namespace netwright::plan
