// SPDX-License-Identifier: GPL-2.0-or-later
// From IP to link addresses: ARP and neighbour discovery. The tables are the whole host's.
#include "model/counter_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

Sightings look_full(const Scene& scene, const Cause& cause)
{
    if (!scene.now.neighbours) return std::unexpected(scene.now.neighbours.error());
    std::vector<Sighting> seen;
    for (const NeighbourTable& table : *scene.now.neighbours) {
        if (table.table_fulls.growth == 0) continue;
        Sighting sighting = counted(scene, cause);
        sighting.events = table.table_fulls.growth;
        sighting.victim = fmt::format("the {} neighbour table", table.family);
        sighting.evidence.insert(
            sighting.evidence.begin(),
            {{"table full (RTM_GETNEIGHTBL, the whole host's)", amount(table.table_fulls, scene.now.interval)},
             {"entries", table.gc_thresh3 ? fmt::format("{} of {}", table.entries, *table.gc_thresh3)
                                          : fmt::format("{}", table.entries)}});
        const std::string key = fmt::format("net.{}.neigh.default.gc_thresh3", table.family);
        const auto limit = scene.now.sysctls.number(key);
        if (limit)
            sighting.remedy =
                raise_sysctl(scene, cause, key, std::max<std::int64_t>(8192, *limit * 2), "room for all neighbours");
        seen.push_back(std::move(sighting));
    }
    return seen;
}

// The tables count for the whole host; the drop reason tells whose packets they were.
Sightings look_unresolved(const Scene& scene, const Cause& cause)
{
    Sighting sighting = counted(scene, cause);
    const bool whole_host = scene.now.surroundings.network_namespace.value_or("init") == "init";
    if (!scene.drops && !scene.now.neighbours) return std::unexpected(scene.now.neighbours.error());
    if (scene.now.neighbours)
        for (const NeighbourTable& table : *scene.now.neighbours) {
            if (table.resolve_failed.growth == 0) continue;
            if (!scene.drops && whole_host) sighting.events += table.resolve_failed.growth;
            sighting.evidence.push_back(
                {fmt::format("{} neighbours that did not answer (the whole host's)", table.family),
                 amount(table.resolve_failed, scene.now.interval)});
        }
    if (sighting.events < cause.least) return std::vector<Sighting>{};
    return std::vector{std::move(sighting)};
}

constexpr std::array causes{
    Cause{.id = "neighbour-table-full",
          .layer = Layer::Neighbour,
          .severity = Severity::Critical,
          .symptoms = drops | refused | latency,
          .what = "a full neighbour table",
          .unit = "neighbours refused",
          .reasons = "NEIGH_CREATEFAIL",
          .look = look_full,
          .title = "The neighbour table is full: this host cannot talk to new machines on its links",
          .why =
              "The table of ARP or neighbour discovery is one for the whole host, all namespaces included, and reached "
              "gc_thresh3. A large flat network, many containers, or an address scan.",
          .confirm =
              "ip neigh | wc -l; sysctl net.ipv4.neigh.default.gc_thresh3\ndmesg | grep 'neighbor table overflow'",
          .advice = "raise gc_thresh1, 2 and 3 together (on the host, not in a namespace)\n"
                    "smaller networks, or routing instead of one large link",
          .cost = "memory, and more ARP traffic"},
    Cause{.id = "neighbour-unresolved",
          .layer = Layer::Neighbour,
          .severity = Severity::High,
          .symptoms = drops | refused | latency,
          .what = "neighbours that do not answer",
          .unit = "packets dropped",
          .reasons = "NEIGH_FAILED NEIGH_QUEUEFULL NEIGH_DEAD",
          .least = 2,
          .look = look_unresolved,
          .because_of = "neighbour-table-full carrier-lost link-flaps",
          .title = "A machine on the same link does not answer ARP or neighbour discovery",
          .why = "Its link address is not known, so nothing can be sent: it is down, on another VLAN, or the route is "
                 "wrong. Programs see 'no route to host' or wait.",
          .confirm = "ip neigh   (FAILED or INCOMPLETE)\ntcpdump -ni DEV arp",
          .advice = "is the machine (or gateway) up and on this link? Is the prefix length right?",
          .cost = "none: nothing in the kernel is to be tuned"},
};

} // namespace

std::span<const Cause> neighbour_causes() { return causes; }

} // namespace netwright::diagnose
