// SPDX-License-Identifier: GPL-2.0-or-later
// IP: routes, addresses, filters on the source, sizes, fragments, headers.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

bool speaks_ipv6(const Scene& scene)
{
    return scene.now.routes && std::ranges::any_of(*scene.now.routes, [](const Route& route) {
               return route.family == "ipv6" && route.type == "unicast" && !route.destination.starts_with("fe80");
           });
}

// Hosts without IPv6 count every AAAA address that a program tries: that is how they should be.
Sightings look_no_route(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (!seen.empty() || !speaks_ipv6(scene)) return seen;
    const std::uint64_t unsent = growth(scene, "Ip6OutNoRoutes").value_or(0);
    if (unsent < cause.least) return seen;
    Sighting sighting;
    sighting.events = unsent;
    sighting.evidence = counter_evidence(scene, "Ip6OutNoRoutes");
    return std::vector{std::move(sighting)};
}

// A time to live that ran out is counted among the header errors, and so are the addresses of other hosts.
Sightings look_header(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (seen.empty()) return seen;
    const std::uint64_t expired = growth(scene, "IcmpOutTimeExcds+Icmp6OutTimeExcds").value_or(0);
    const std::uint64_t wrong_sums = growth(scene, "IpExtInCsumErrors").value_or(0);
    if (seen[0].events <= expired + wrong_sums) return std::vector<Sighting>{};
    seen[0].events -= expired + wrong_sums;
    return seen;
}

Sightings look_fragments(const Scene& scene, const Cause& cause)
{
    auto seen = TRY(count_events(scene, cause));
    if (seen.empty()) return seen;
    seen[0].evidence.push_back(sysctl_seen(scene, "net.ipv4.ipfrag_high_thresh"));
    if (scene.now.sockstat)
        seen[0].evidence.push_back(
            {"/proc/net/sockstat FRAG memory", fmt::format("{} bytes", scene.now.sockstat->fragments_memory)});
    return seen;
}

constexpr std::array causes{
    Cause{.id = "no-route",
          .layer = Layer::Ip,
          .severity = Severity::High,
          .symptoms = drops | refused,
          .what = "missing routes",
          .unit = "packets without a route",
          .counters = "IpOutNoRoutes IpExtInNoRoutes+Ip6InNoRoutes",
          .reasons = "IP_OUTNOROUTES IP_INNOROUTES",
          .least = 3,
          .look = look_no_route,
          .because_of = "rp-filter not-our-address",
          .title = "Packets have no route to where they shall go",
          .why = "No entry of the routing table fits the destination: programs see 'network is unreachable', forwarded "
                 "packets are dropped. Sending fails before a packet exists, so no drop event tells.",
          .confirm = "ip route get DESTINATION; ip -6 route get DESTINATION\nnstat -az IpOutNoRoutes Ip6OutNoRoutes",
          .advice =
              "add the route; a default route from router advertisements gets lost with forwarding=1: accept_ra=2",
          .cost = "none"},
    Cause{
        .id = "rp-filter",
        .layer = Layer::Ip,
        .severity = Severity::High,
        .symptoms = drops | refused,
        .what = "reverse-path filtering",
        .unit = "packets dropped",
        .counters = "TcpExtIPReversePathFilter",
        .reasons = "IP_RPFILTER",
        .least = 3,
        .title = "Reverse-path filtering drops packets: the way back leads through another interface",
        .why =
            "rp_filter=1 accepts a source only on the interface that leads back to it. With several ways (multihoming, "
            "VPN, asymmetric routes) real traffic is dropped in silence.",
        .confirm = "ip route get SOURCE   (another interface than the one it came from)\n"
                   "nstat -az TcpExtIPReversePathFilter; sysctl net.ipv4.conf.all.log_martians=1 names them",
        .advice = "make routes symmetric, or a routing table for each interface\n"
                  "net.ipv4.conf.DEV.rp_filter=2 (loose); all and DEV count together, the larger wins",
        .cost = "loose mode lets spoofed sources in that have a route at all"},
    Cause{.id = "spoofed-source",
          .layer = Layer::Ip,
          .severity = Severity::High,
          .symptoms = drops | refused | latency,
          .what = "this host's addresses seen outside",
          .unit = "packets dropped",
          .reasons = "IP_LOCAL_SOURCE LOCAL_MAC",
          .title = "Packets come in with this host's own address: a duplicate address, a loop, or spoofing",
          .why = "Another machine uses our address, a switch sends our packets back to us, or somebody forges them.",
          .confirm =
              "arping -D -I DEV ADDRESS   (does another link address answer?)\ntcpdump -eni DEV src host ADDRESS",
          .advice = "find the machine by its link address; give one of the two another IP address",
          .cost = "none"},
    Cause{
        .id = "martian",
        .layer = Layer::Ip,
        .symptoms = drops,
        .what = "impossible addresses",
        .unit = "packets dropped",
        .reasons = "IP_INVALID_SOURCE IP_LOCALNET IP_INVALID_DEST",
        .title = "Packets come in with addresses that cannot be on a wire (martians)",
        .why =
            "127.0.0.0/8, 0.0.0.0/8 or multicast as a source: a broken program or tunnel, NAT gone wrong, or spoofing.",
        .confirm = "sysctl -w net.ipv4.conf.all.log_martians=1; dmesg | grep martian",
        .advice = "find the sender by its link address (tcpdump -e)",
        .cost = "none"},
    Cause{.id = "not-our-address",
          .layer = Layer::Ip,
          .symptoms = drops | refused,
          .what = "packets for addresses this host does not have",
          .unit = "packets dropped",
          .counters = "IpInAddrErrors+Ip6InAddrErrors",
          .reasons = "IP_INADDRERRORS",
          .least = 3,
          .title = "Packets come in for an address this host does not have, and it does not forward",
          .why = "A router or load balancer still sends here what lives elsewhere, or forwarding was meant to be on.",
          .confirm = "ip addr   (is the address missing?)   sysctl net.ipv4.ip_forward",
          .advice = "add the address, correct the router; net.ipv4.ip_forward=1 only on hosts that route",
          .cost = "forwarding makes the host a router: filter it"},
    Cause{.id = "ttl-expired",
          .layer = Layer::Ip,
          .severity = Severity::Low,
          .symptoms = drops | refused,
          .what = "times to live that ran out",
          .unit = "packets dropped",
          .counters = "IcmpOutTimeExcds+Icmp6OutTimeExcds",
          .least = 3,
          .title = "Packets run out of their time to live here: a routing loop, or traceroute",
          .why = "Each router takes one off; a packet that goes in circles ends at zero.",
          .confirm = "traceroute DESTINATION   (the same hops again and again)\nnstat -az IcmpOutTimeExcds",
          .advice = "two routers that point at each other: correct one; traceroute is harmless",
          .cost = "none"},
    Cause{.id = "packet-too-big",
          .layer = Layer::Ip,
          .symptoms = drops | throughput | latency,
          .what = "packets larger than the next link",
          .unit = "packets dropped",
          .counters = "IpFragFails+Ip6FragFails Ip6OutPktTooBigs Ip6InTooBigErrors",
          .reasons = "PKT_TOO_BIG",
          .least = 3,
          .title = "Forwarded packets are larger than the next link's MTU and may not be fragmented",
          .why = "The sender is told by ICMP 'fragmentation needed' and should send smaller ones; if that is filtered "
                 "on its "
                 "way back, connections hang.",
          .confirm =
              "nstat -az IpFragFails IcmpOutDestUnreachs\nip link   (MTUs of the interfaces it comes in and goes out)",
          .advice = "the same MTU on the whole path, or clamp the MSS (nft: tcp option maxseg size set rt mtu)\n"
                    "let ICMP type 3 code 4 and ICMPv6 type 2 through",
          .cost = "smaller packets: a few percent of throughput"},
    Cause{.id = "fragments-lost",
          .layer = Layer::Ip,
          .symptoms = drops,
          .what = "fragments that find no whole",
          .unit = "datagrams not put together",
          .counters = "IpReasmFails+Ip6ReasmFails IpReasmTimeout+Ip6ReasmTimeout",
          .reasons = "FRAG_REASM_TIMEOUT FRAG_TOO_FAR",
          .least = 3,
          .look = look_fragments,
          .title = "Fragmented datagrams are lost: some of their fragments do not come, or no memory is left for them",
          .why =
              "One lost fragment costs the whole datagram. Firewalls often drop later fragments, which have no ports.",
          .confirm = "nstat -az IpReasmFails IpReasmTimeout IpReasmReqds",
          .advice = "avoid fragments: datagrams below 1200 bytes, one MTU on the path\n"
                    "memory: net.ipv4.ipfrag_high_thresh, only if FRAG memory is near it",
          .cost = "memory an attacker can fill"},
    Cause{.id = "ip-checksum",
          .layer = Layer::Ip,
          .severity = Severity::High,
          .symptoms = drops | throughput,
          .what = "wrong IP checksums",
          .unit = "packets dropped",
          .counters = "IpExtInCsumErrors",
          .reasons = "IP_CSUM",
          .least = 3,
          .title = "Packets arrive with a wrong IP header checksum",
          .why = "A device on the way damages headers, or a sender's offload does not fill the checksum in.",
          .confirm = "nstat -az IpExtInCsumErrors\ntcpdump -vvni DEV   (bad cksum)",
          .advice = "find the sender or device by its link address; switch the sender's offloads off one at a time",
          .cost = "a switched-off offload costs CPU"},
    Cause{.id = "ip-header",
          .layer = Layer::Ip,
          .symptoms = drops,
          .what = "faulty IP headers",
          .unit = "packets dropped",
          .counters = "IpInHdrErrors+Ip6InHdrErrors+IpInTruncatedPkts+Ip6InTruncatedPkts",
          .reasons = "IP_INHDR",
          .least = 3,
          .look = look_header,
          .title = "Packets arrive with faulty IP headers",
          .why = "A wrong version, length or option: a broken sender, or damage on the way.",
          .confirm = "nstat -az IpInHdrErrors\ntcpdump -vveni DEV   (who sends them)",
          .advice = "find the sender by its link address",
          .cost = "none"},
};

} // namespace

std::span<const Cause> ip_causes() { return causes; }

} // namespace netwright::diagnose
