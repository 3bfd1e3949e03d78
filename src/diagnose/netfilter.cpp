// SPDX-License-Identifier: GPL-2.0-or-later
// Firewall and connection tracking: what they drop on purpose, and what they drop because they cannot go on.
#include "model/conntrack.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

std::uint64_t grown(const Snapshot& host, Result<Counter> (*count)(const Conntrack&))
{
    if (!host.conntrack) return 0;
    const auto counter = count(*host.conntrack);
    return counter ? counter->growth : 0;
}

template <Counter ConntrackCpu::* Column>
Result<Counter> column(const Conntrack& table)
{
    return sum(table, Column);
}

// Without connection tracking it cannot be the cause; with counters that cannot be read nobody knows.
Sightings look_conntrack(const Scene& scene, Result<Counter> (*count)(const Conntrack&), std::string_view name,
                         std::uint64_t least)
{
    const auto& conntrack = scene.now.conntrack;
    if (!conntrack && conntrack.error().kind == Error::Kind::Absent) return std::vector<Sighting>{};
    if (!conntrack) return std::unexpected(conntrack.error());
    const std::uint64_t events = TRY(count(*conntrack)).growth;
    if (events < least) return std::vector<Sighting>{};
    Sighting sighting;
    sighting.events = events;
    sighting.evidence = {{fmt::format("/proc/net/stat/nf_conntrack {}", name), in_time(scene, events)},
                         {"entries", conntrack->limit
                                         ? fmt::format("{} of {}", conntrack->count, *conntrack->limit)
                                         : fmt::format("{} (the limit is not visible here)", conntrack->count)}};
    return std::vector{std::move(sighting)};
}

Sightings look_full(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(look_conntrack(scene, dropped_for_room, "drop", cause.least));
    if (seen.empty()) return seen;
    std::ranges::move(drop_evidence(scene, "NETFILTER_DROP"), std::back_inserter(seen[0].evidence));
    const auto limit = scene.now.sysctls.number("net.netfilter.nf_conntrack_max");
    if (limit)
        seen[0].remedy = raise_sysctl(scene, cause, "net.netfilter.nf_conntrack_max", *limit * 2,
                                      "room for the connections there are");
    return seen;
}

Sightings look_evicted(const Scene& scene, const Cause& cause)
{
    return look_conntrack(scene, column<&ConntrackCpu::early_drop>, "early_drop", cause.least);
}
Sightings look_race(const Scene& scene, const Cause& cause)
{
    return look_conntrack(scene, column<&ConntrackCpu::insert_failed>, "insert_failed", cause.least);
}

// Invalid packets matter when a rule drops them, which is what most firewalls do.
Sightings look_invalid(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(look_conntrack(scene, column<&ConntrackCpu::invalid>, "invalid", cause.least));
    const std::uint64_t dropped_packets = dropped(scene, "NETFILTER_DROP");
    if (seen.empty() || dropped_packets == 0) return std::vector<Sighting>{};
    seen[0].events = std::min(seen[0].events, dropped_packets);
    std::ranges::move(drop_evidence(scene, "NETFILTER_DROP"), std::back_inserter(seen[0].evidence));
    return seen;
}

// ICMP errors that neither a missing port nor a missing route explains come from a rule that rejects.
std::uint64_t rejections(const Scene& scene)
{
    const std::uint64_t sent = growth(scene, "IcmpOutDestUnreachs+Icmp6OutDestUnreachs").value_or(0);
    const std::uint64_t other = growth(scene, "UdpNoPorts+Udp6NoPorts").value_or(0) +
                                growth(scene, "IpFragFails+Ip6FragFails").value_or(0) +
                                growth(scene, "IpExtInNoRoutes+Ip6InNoRoutes").value_or(0) +
                                dropped(scene, "NEIGH_FAILED IP_NOPROTO IP_INNOROUTES");
    return sent > other ? sent - other : 0;
}

// What connection tracking itself dropped is its own cause.
std::uint64_t dropped_by_rules(const Scene& scene, const Cause& cause)
{
    const std::uint64_t all = dropped(scene, cause.reasons);
    return all - std::min(all, grown(scene.now, column<&ConntrackCpu::drop>));
}

Sightings look_rules(const Scene& scene, const Cause& cause, bool rejecting)
{
    if (!scene.drops) return std::unexpected(scene.drops.error());
    const std::uint64_t events = dropped_by_rules(scene, cause), answered = rejections(scene);
    if (events == 0 || (answered * 2 >= events) != rejecting) return std::vector<Sighting>{};
    Sighting sighting = counted(scene, cause);
    sighting.events = events;
    if (rejecting)
        sighting.evidence.push_back(
            {"ICMP 'unreachable' sent that no missing port or route explains", in_time(scene, answered)});
    return std::vector{std::move(sighting)};
}

Sightings look_drop_rules(const Scene& scene, const Cause& cause) { return look_rules(scene, cause, false); }
Sightings look_reject_rules(const Scene& scene, const Cause& cause) { return look_rules(scene, cause, true); }

constexpr std::array causes{
    Cause{.id = "conntrack-full",
          .layer = Layer::Netfilter,
          .severity = Severity::Critical,
          .symptoms = drops | refused | latency,
          .what = "a full connection tracking table",
          .unit = "packets of new connections dropped",
          .look = look_full,
          .title = "The connection tracking table is full: new connections are dropped",
          .why =
              "Every tracked connection is an entry until its timeout; at the limit, packets that would make a new one "
              "are dropped, while old connections go on.",
          .confirm = "dmesg | grep 'table full'\nconntrack -C; sysctl net.netfilter.nf_conntrack_max\n"
                     "conntrack -L | awk '{print $1,$4}' | sort | uniq -c   (which kind fills it)",
          .advice =
              "do not track what needs no tracking (notrack for the busy port); shorter timeouts for idle entries\n"
              "raise net.netfilter.nf_conntrack_max, and nf_conntrack_buckets with it",
          .cost = "about 300 bytes an entry, memory that cannot be swapped"},
    Cause{.id = "conntrack-evicts",
          .layer = Layer::Netfilter,
          .severity = Severity::High,
          .symptoms = drops | resets,
          .what = "connections evicted from tracking",
          .unit = "entries evicted",
          .look = look_evicted,
          .because_of = "conntrack-full",
          .title = "Connection tracking is full and throws out young connections to make room",
          .why = "Entries that have not seen an answer, or not for long, are evicted; their next packet is a stranger.",
          .confirm = "conntrack -S   (early_drop grows)",
          .advice = "as for a full table: notrack, shorter timeouts, a larger limit",
          .cost = "about 300 bytes an entry"},
    Cause{.id = "conntrack-race",
          .layer = Layer::Netfilter,
          .symptoms = drops | latency,
          .what = "clashes in connection tracking",
          .unit = "packets dropped",
          .least = 2,
          .look = look_race,
          .because_of = "conntrack-full",
          .title = "Packets are dropped because two connections would be translated to the same address and port",
          .why =
              "Two first packets of one socket race through NAT, as a resolver's A and AAAA questions do, which then "
              "waits 5 seconds; or the NAT rule has no port left towards that destination. The second is dropped.",
          .confirm = "conntrack -S   (insert_failed grows; drop with it, though the table is not full)\n"
                     "conntrack -L -d DESTINATION   (how many share an address and its ports)",
          .advice = "DNS: a cache on the node; resolv.conf: single-request-reopen; fully-random on the NAT rule\n"
                    "many hosts towards one destination: more addresses or ports in the NAT rule",
          .cost = "none of note",
          .no_use = "nf_conntrack_max: the table has room"},
    Cause{.id = "conntrack-invalid",
          .layer = Layer::Netfilter,
          .severity = Severity::Medium,
          .symptoms = drops | resets | latency,
          .what = "packets connection tracking calls invalid",
          .unit = "packets dropped",
          .least = 3,
          .look = look_invalid,
          .title = "The firewall drops packets that connection tracking calls invalid",
          .why =
              "They fit no connection it knows: traffic that comes back another way than it went, a connection older "
              "than the table, segments outside the window, or damaged packets.",
          .confirm =
              "conntrack -S   (invalid grows)\nsysctl -w net.netfilter.nf_conntrack_log_invalid=6   (dmesg names them)",
          .advice = "make both directions take the same way; nf_conntrack_tcp_be_liberal=1 where they cannot",
          .cost = "be_liberal checks less",
          .no_use = "a larger table"},
    Cause{.id = "firewall-reject",
          .layer = Layer::Netfilter,
          .nature = Nature::Policy,
          .severity = Severity::Low,
          .symptoms = drops | refused,
          .what = "firewall rules that reject",
          .unit = "packets rejected",
          .reasons = "NETFILTER_DROP",
          .look = look_reject_rules,
          .title = "A firewall rule rejects packets and tells the sender",
          .why = "The packet was dropped by a rule that answers with an ICMP error.",
          .confirm = "nft list ruleset   (reject; add 'counter' to see which rule)",
          .advice = "nothing, if it is meant; else correct the rule for the port in the evidence",
          .cost = "none: advice only"},
    Cause{.id = "firewall-drop",
          .layer = Layer::Netfilter,
          .nature = Nature::Policy,
          .severity = Severity::Low,
          .symptoms = drops | refused | latency,
          .what = "firewall rules that drop",
          .unit = "packets dropped",
          .reasons = "NETFILTER_DROP",
          .look = look_drop_rules,
          .because_of = "conntrack-invalid conntrack-full",
          .title = "A firewall rule drops packets",
          .why = "nftables or iptables said drop. The kernel does not tell which rule; no counter of its own moves.",
          .confirm = "nft list ruleset   (add 'counter' to the rules that drop, and look again)\nnft monitor trace",
          .advice = "nothing, if it is meant; else correct the rule for the port in the evidence",
          .cost = "none: advice only"},
};

} // namespace

std::span<const Cause> netfilter_causes() { return causes; }

} // namespace netwright::diagnose
