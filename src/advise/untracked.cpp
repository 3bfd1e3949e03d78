// SPDX-License-Identifier: GPL-2.0-or-later
// Connection tracking for services of this host's own: work that a host which translates nothing does for nothing.
#include "advise/path_rules.h"
#include "advise/remedy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr std::uint64_t many = 20'000; // entries: below, the table is small change
constexpr double mostly = 0.7;         // of the entries belong to sockets of this host
constexpr std::uint64_t connections_per_s = 2'000;
constexpr std::uint16_t ssh = 22;

std::uint64_t own_connections(const SocketSummary& sockets)
{
    std::uint64_t own = 0;
    for (const StateCount& state : sockets.tcp_states)
        if (state.state != "listen") own += state.count;
    return own;
}

std::vector<std::uint16_t> public_ports(const SocketSummary& sockets)
{
    std::vector<std::uint16_t> ports;
    for (const Listener& listener : sockets.listeners) {
        const bool reachable =
            !listener.address.starts_with("127.") && listener.address != "::1" && listener.port != ssh;
        if (reachable && std::ranges::find(ports, listener.port) == ports.end()) ports.push_back(listener.port);
    }
    std::ranges::sort(ports);
    return ports;
}

// Connections a second, where two samples tell.
std::uint64_t accepted_per_s(const Case& about)
{
    const auto opened = counter_of(about, "TcpPassiveOpens");
    const auto seconds = std::chrono::duration<double>(about.host.interval).count();
    return opened && seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(opened->growth) / seconds) : 0;
}

Opinion judge_own_services(const Case& about)
{
    const auto& table = about.host.conntrack;
    if (!table && table.error().kind == Error::Kind::Absent) return std::vector<Finding>{};
    if (!table) return std::unexpected(table.error());
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    if (TRY(about.host.sysctls.number("net.ipv4.ip_forward")) != 0 || !routing_owner(about).empty())
        return std::vector<Finding>{}; // what is forwarded may be translated
    const std::uint64_t own = own_connections(*about.host.sockets), rate = accepted_per_s(about);
    const bool large = table->count >= many && static_cast<double>(own) >= mostly * static_cast<double>(table->count);
    const bool hot = table->count > 0 && rate >= connections_per_s;
    const auto ports = public_ports(*about.host.sockets);
    if ((!large && !hot) || ports.empty()) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Measured,
                                 "Connection tracking follows every connection of this host's own services");
    finding.evidence = {{"sysctl net.netfilter.nf_conntrack_count", grouped(table->count)},
                        {"/proc/net/snmp Tcp, sockets of this host", grouped(own)}};
    note(finding, counter_evidence(about, "TcpPassiveOpens"));
    finding.why =
        "This host forwards nothing, so there is nothing to translate: each entry is made, kept and timed only "
        "so that rules may ask for a connection's state, which the sockets know themselves.";
    finding.cost = "two lookups for every packet, about 400 bytes for every connection, and a table that can fill";
    for (const std::uint16_t port : ports)
        if (finding.advice.size() < 8) finding.advice.push_back(fmt::format("netwright set notrack/tcp/{} on", port));
    finding.advice.emplace_back("firewall rules for these ports must accept both directions without ct state first: "
                                "netwright refuses while a rule depends on it");
    finding.side_effects = "none: advice only";
    finding.security =
        "an untracked port is filtered by its rules alone: no check that a packet belongs to a connection";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"conntrack-for-own-services", "Does connection tracking follow connections that nobody translates?",
         "A host that does not forward, with at least 20,000 entries of which 70 % belong to its own sockets, or 2,000 "
         "accepted connections a second. Hosts with container networks or other routing of their own are left alone, "
         "and "
         "so is the ssh port.",
         "net/netfilter/nf_conntrack_core.c nf_conntrack_in; net/netfilter/nft_ct.c notrack", judge_own_services},
};

} // namespace

std::span<const Rule> untracked_rules() { return rules; }

} // namespace netwright::advise
