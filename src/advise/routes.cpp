// SPDX-License-Identifier: GPL-2.0-or-later
// Routes: what they tell TCP, which way answers leave, and where two interfaces get in each other's way.
#include "advise/path_rules.h"
#include "advise/remedy.h"
#include "base/ip_prefix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace netwright::advise {
namespace {

constexpr std::uint32_t large_window = 100; // segments: 146 kB at once, half the buffer of a small switch
constexpr std::uint32_t usual_mtu = 1500, tiny_mtu = 1000;

std::string route_text(const Route& route)
{
    return fmt::format("{}{}{}", route.family == "ipv6" ? "-6 " : "", route.destination,
                       route.nic.empty() ? "" : " dev " + route.nic);
}

// "route/default@eth0/mtu"; the metric says which where a prefix has several routes.
RouteSetting setting_of(const Route& route, std::string metric)
{
    RouteSetting setting;
    const bool six = route.family == "ipv6";
    setting.destination = route.destination == "default" && six ? "::/0" : route.destination;
    setting.nic = route.nic;
    setting.table = route.table;
    if (route.priority != 0 && !six) setting.priority = route.priority;
    setting.metric = std::move(metric);
    return setting;
}

Change change_of(const Route& route, std::string metric, std::optional<std::uint32_t> from, std::uint32_t to,
                 std::string why)
{
    Change change;
    change.tunable = setting_of(route, std::move(metric));
    if (from) change.from = std::int64_t{*from};
    change.to = std::int64_t{to};
    change.why = std::move(why);
    change.risk = Risk::Low;
    change.reach = Reach::NamespaceNew;
    return change;
}

Result<std::vector<Route>> unicast_routes(const Case& about)
{
    std::vector<Route> found = TRY(about.host.routes);
    std::erase_if(found, [](const Route& route) { return route.type != "unicast"; });
    return found;
}

// ---- what routes tell TCP ----

Finding judge_one_window(const Route& route, const Case& about)
{
    const std::uint32_t window = *route.metrics.initcwnd;
    Finding finding = finding_of(
        Severity::Medium, Confidence::Derived,
        fmt::format("Each new connection through {} starts with a burst of {} segments", route_text(route), window));
    finding.subject = route_text(route);
    finding.evidence = {{fmt::format("ip route show {}", route_text(route)), fmt::format("initcwnd {}", window)}};
    note(finding, counter_evidence(about, "TcpRetransSegs"));
    finding.why =
        "The first window leaves before anything is known of the path. Ten segments are what RFC 6928 found "
        "safe, some tens are common on servers with good paths; hundreds overrun the first shallow buffer on the "
        "way, and everybody else's packets with it.";
    finding.cost = "losses in the first round trip, which cost a connection more time than a smaller start would";
    finding.remedy = {change_of(
        route, "initcwnd", window, 32,
        fmt::format("32 segments at the start instead of {}: lower, and still three times the default", window))};
    finding.side_effects = "answers of more than 45 kB take a round trip longer on paths that carried the burst";
    return finding;
}

Opinion judge_large_initial_window(const Case& about)
{
    std::vector<Finding> found;
    for (const Route& route : TRY(unicast_routes(about)))
        if (route.metrics.initcwnd.value_or(0) > large_window) found.push_back(judge_one_window(route, about));
    return found;
}

Opinion judge_route_mtu(const Case& about)
{
    std::vector<Finding> found;
    for (const Route& route : TRY(unicast_routes(about))) {
        const Nic* nic = find_nic(about.host, route.nic);
        const std::uint32_t mtu = route.metrics.mtu.value_or(0);
        if (mtu == 0 || (nic ? mtu <= nic->mtu : true)) continue;
        Finding finding =
            finding_of(Severity::Low, Confidence::Derived,
                       fmt::format("The route {} promises a larger MTU than {} has", route_text(route), nic->name));
        finding.subject = route_text(route);
        finding.evidence = {{fmt::format("ip route show {}", route_text(route)), fmt::format("mtu {}", mtu)},
                            {fmt::format("ip link show {}", nic->name), fmt::format("mtu {}", nic->mtu)}};
        finding.why = "The kernel takes the route's MTU for the path's: TCP announces a segment size that fits it, and "
                      "the peer sends packets that this interface may not receive.";
        finding.cost = "connections that hang as soon as the peer sends full segments";
        finding.advice = {fmt::format("netwright set {} {}", to_text(Tunable{setting_of(route, "mtu")}), nic->mtu)};
        finding.side_effects = "none: advice only";
        found.push_back(std::move(finding));
    }
    return found;
}

Opinion judge_tiny_route_mtu(const Case& about)
{
    std::vector<Finding> found;
    for (const Route& route : TRY(unicast_routes(about))) {
        const std::uint32_t mtu = route.metrics.mtu.value_or(0);
        if (mtu == 0 || mtu >= tiny_mtu) continue;
        Finding finding = finding_of(Severity::Medium, Confidence::Derived,
                                     fmt::format("Packets through {} are cut to {} bytes", route_text(route), mtu));
        finding.subject = route_text(route);
        finding.evidence = {{fmt::format("ip route show {}", route_text(route)), fmt::format("mtu {}", mtu)}};
        finding.why =
            "Each packet costs its headers and its way through the stack: at half the size there are twice as "
            "many. Such a value is mostly what somebody once tried against a black hole.";
        finding.cost = fmt::format("{:.1f} times the packets of an MTU of 1500", 1460.0 / std::max(1.0, mtu - 40.0));
        finding.advice = {fmt::format("see whether the path still needs it (tracepath), then: netwright set {} ''",
                                      to_text(Tunable{setting_of(route, "mtu")})),
                          "sysctl net.ipv4.tcp_mtu_probing=1 finds such paths without a fixed value"};
        finding.side_effects = "none: advice only";
        found.push_back(std::move(finding));
    }
    return found;
}

Opinion judge_jumbo_default_route(const Case& about)
{
    std::vector<Finding> found;
    for (const Route& route : TRY(unicast_routes(about))) {
        const Nic* nic = find_nic(about.host, route.nic);
        const bool jumbo = nic && nic->physical && nic->mtu > usual_mtu;
        if (!jumbo || route.destination != "default" || route.gateway.empty() || route.metrics.mtu) continue;
        const auto found_paths = counter_of(about, "TcpExtTCPMTUPSuccess");
        const bool stalls = found_paths && found_paths->growth != 0;
        Finding finding = finding_of(
            stalls ? Severity::Medium : Severity::Low, stalls ? Confidence::Measured : Confidence::Convention,
            fmt::format("Packets of {} bytes are sent towards the internet through {}", nic->mtu, nic->name));
        finding.subject = route_text(route);
        finding.evidence = {{fmt::format("ip link show {}", nic->name), fmt::format("mtu {}", nic->mtu)},
                            {fmt::format("ip route show {}", route_text(route)), "no mtu of its own"}};
        note(finding, counter_evidence(about, "TcpExtTCPMTUPSuccess"));
        finding.why =
            "Jumbo frames are for the neighbours; beyond the gateway almost every path carries 1500. Each new "
            "connection there depends on an ICMP message of the first narrow hop, and hangs where that is lost.";
        finding.cost = "a round trip at the start of large transfers, or connections that hang for good";
        finding.remedy = {change_of(
            route, "mtu", std::nullopt, usual_mtu,
            fmt::format("{} bytes for what passes the gateway; direct neighbours keep {}", usual_mtu, nic->mtu))};
        finding.side_effects = "peers behind the gateway that do carry jumbo frames get smaller ones";
        found.push_back(std::move(finding));
    }
    return found;
}

// ---- which way ----

struct Ways {
    std::set<std::string> nics;         // with a gateway and an address of their own
    std::vector<std::string> addresses; // on them
};

Result<Ways> ways_of(const Case& about, std::string_view family)
{
    Ways ways;
    std::set<std::string> through;
    for (const Route& route : TRY(unicast_routes(about)))
        if (route.family == family && route.destination == "default" && !route.gateway.empty() && !route.nic.empty())
            through.insert(route.nic);
    if (!about.host.addresses) return std::unexpected(about.host.addresses.error());
    for (const InterfaceAddress& address : *about.host.addresses) {
        const bool counts = address.family == family && address.scope == "global" && !address.temporary &&
                            !address.deprecated && through.contains(address.nic);
        if (!counts) continue;
        ways.nics.insert(address.nic);
        ways.addresses.push_back(fmt::format("{} on {}", address.address, address.nic));
    }
    return ways;
}

Result<bool> has_source_rules(const Case& about, std::string_view family)
{
    if (!about.host.rules) return std::unexpected(about.host.rules.error());
    return std::ranges::any_of(*about.host.rules, [&](const RoutingRule& rule) {
        return rule.family == family && (rule.source != "all" || rule.mark != 0 || !rule.interface.empty()) &&
               rule.table != 255;
    });
}

Opinion judge_multihomed(const Case& about)
{
    std::vector<Finding> found;
    for (const std::string_view family : {"ipv4", "ipv6"}) {
        const Ways ways = TRY(ways_of(about, family));
        const bool ruled = TRY(has_source_rules(about, family));
        if (ways.nics.size() < 2 || ruled) continue;
        Finding finding =
            finding_of(Severity::Medium, Confidence::Derived,
                       fmt::format("Answers to requests that came in by {} may leave by another interface",
                                   fmt::join(ways.nics, " or ")));
        finding.subject = std::string(family);
        finding.evidence = {{"ip route show default", fmt::format("gateways on {}", fmt::join(ways.nics, ", "))},
                            {"ip rule show", "no rule looks at the source address"},
                            {"ip addr show", fmt::format("{}", fmt::join(ways.addresses, ", "))}};
        finding.why =
            "The kernel chooses the way out by the destination alone: whatever came in by the second provider "
            "is answered through the default route with the lowest metric, from an address that its provider "
            "does not know and drops.";
        finding.cost = "services reached by the second address do not answer at all, or only some clients";
        finding.advice = {
            "netwright multihome shows the tables and rules that mend it, and applies them as a transaction"};
        finding.side_effects = "none: advice only";
        found.push_back(std::move(finding));
    }
    return found;
}

Opinion judge_rule_to_nowhere(const Case& about)
{
    if (!about.host.rules) return std::unexpected(about.host.rules.error());
    const auto routes = TRY(about.host.routes);
    std::vector<Finding> found;
    for (const RoutingRule& rule : *about.host.rules) {
        const bool kernels = rule.table == 0 || (rule.table >= 253 && rule.table <= 255);
        const bool filled = std::ranges::any_of(routes, [&](const Route& route) {
            return route.family == rule.family && (route.table == rule.table || route.type == "others");
        });
        if (rule.action != "lookup" || kernels || filled) continue;
        Finding finding = finding_of(Severity::Medium, Confidence::Measured,
                                     fmt::format("A routing rule leads to table {}, which is empty", rule.table));
        finding.subject = fmt::format("{} {}", rule.family, rule.priority);
        finding.evidence = {{fmt::format("ip rule show priority {}", rule.priority),
                             fmt::format("from {} to {} lookup {}", rule.source, rule.destination, rule.table)},
                            {fmt::format("ip route show table {}", rule.table), "no routes"}};
        finding.why = "An empty table decides nothing: packets the rule was made for go on to the main table, as if "
                      "there were no rule.";
        finding.cost = "they leave by the wrong interface, without any message";
        finding.advice = {fmt::format("fill the table, or take the rule away: ip rule del priority {}", rule.priority)};
        finding.side_effects = "none: advice only";
        found.push_back(std::move(finding));
    }
    return found;
}

// ---- one network on two interfaces ----

Result<std::string> shared_network(const Case& about)
{
    if (!about.host.addresses) return std::unexpected(about.host.addresses.error());
    for (const InterfaceAddress& one : *about.host.addresses)
        for (const InterfaceAddress& other : *about.host.addresses) {
            if (one.family != "ipv4" || other.family != "ipv4" || one.nic >= other.nic || one.scope != "global" ||
                one.length >= 31)
                continue;
            auto network = parse_ip_prefix(one.address), address = parse_ip_prefix(other.address);
            if (!network || !address) continue;
            network->length = one.length;
            if (network->contains(*address))
                return fmt::format("{} on {} and {} on {}", one.address, one.nic, other.address, other.nic);
        }
    return std::string{};
}

Opinion judge_arp_flux(const Case& about)
{
    const std::string shared = TRY(shared_network(about));
    if (shared.empty()) return std::vector<Finding>{};
    const std::int64_t ignore = TRY(about.host.sysctls.number("net.ipv4.conf.all.arp_ignore"));
    const std::int64_t announce = TRY(about.host.sysctls.number("net.ipv4.conf.all.arp_announce"));
    if (ignore != 0 && announce != 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 "Two interfaces on one network answer ARP requests for each other");
    finding.evidence = {{"ip addr show", shared}};
    note(finding, sysctl_evidence(about, "net.ipv4.conf.all.arp_ignore"));
    note(finding, sysctl_evidence(about, "net.ipv4.conf.all.arp_announce"));
    finding.why =
        "An address belongs to the host, not to an interface: without arp_ignore either interface answers for "
        "both addresses, and neighbours remember whichever answer came last.";
    finding.cost = "traffic arrives on the wrong interface and changes sides at random";
    propose(finding, set_sysctl(about, "arp-flux", "net.ipv4.conf.all.arp_ignore", std::int64_t{1},
                                "answer only for addresses of the interface that was asked"));
    propose(finding, set_sysctl(about, "arp-flux", "net.ipv4.conf.all.arp_announce", std::int64_t{2},
                                "ask with an address of the interface that asks"));
    finding.side_effects =
        "load balancers that rely on answering for addresses of lo set these themselves: check first";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"route-initcwnd-large", "Does a route start connections with a burst?",
         "A route whose initcwnd is above 100 segments. Ten is the kernel's default (RFC 6928); what fits a path is "
         "less "
         "than its smallest buffer, which on the way is often 100 packets.",
         "RFC 6928; net/ipv4/tcp_input.c tcp_init_cwnd", judge_large_initial_window},
    Rule{"route-mtu-above-link", "Does a route promise more than its interface carries?",
         "Compares a route's mtu with that of the interface it names. Routes with several next hops are left alone.",
         "net/ipv4/route.c ipv4_mtu", judge_route_mtu},
    Rule{"route-mtu-tiny", "Does a route cut packets to a size nobody needs today?",
         "A route's mtu below 1000 bytes. Tunnels in use today leave 1200 and more.", "RFC 8200; net/ipv4/route.c",
         judge_tiny_route_mtu},
    Rule{"jumbo-default-route", "Do jumbo frames go where nobody carries them?",
         "A hardware interface with an MTU above 1500 and a default route through a gateway without an mtu of its own. "
         "A "
         "convention, unless connections were seen searching for their MTU while we looked.",
         "RFC 1191; net/ipv4/tcp_output.c tcp_mtu_probe", judge_jumbo_default_route},
    Rule{"multihomed-without-rules", "Do answers leave where requests came in?",
         "Two or more interfaces with an address and a gateway each, and no rule that looks at the source address, the "
         "mark or the interface. Hosts with such rules are left alone, whatever the rules say.",
         "ip-rule(8); net/ipv4/fib_rules.c", judge_multihomed},
    Rule{"rule-to-empty-table", "Does a routing rule lead to an empty table?",
         "A rule that looks up a table in which the snapshot shows no route of its family.", "net/core/fib_rules.c",
         judge_rule_to_nowhere},
    Rule{"arp-flux", "Do two interfaces on one network answer for each other?",
         "Two interfaces with IPv4 addresses of one network, and arp_ignore or arp_announce at 0.",
         "Documentation/networking/ip-sysctl.rst; net/ipv4/arp.c arp_ignore", judge_arp_flux},
};

} // namespace

std::span<const Rule> route_rules() { return rules; }

} // namespace netwright::advise
