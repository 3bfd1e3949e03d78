// SPDX-License-Identifier: GPL-2.0-or-later
// Programs in the packet's way: XDP and tc. What they drop, somebody asked for.
#include "model/counter_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

// Drivers count native XDP drops under names such as "rx_queue_0_xdp_drops", "rx_xdp_drop"; no drop event tells of
// them.
std::uint64_t native_drops(const Scene& scene, const Nic& nic, std::vector<Evidence>& evidence)
{
    std::uint64_t sum = 0;
    if (!nic.driver_statistics) return 0;
    for (const NamedCounter& one : nic.driver_statistics->all()) {
        if (one.counter.growth == 0 || one.name.find("xdp_drop") == std::string::npos) continue;
        sum += one.counter.growth;
        evidence.push_back(
            {fmt::format("ethtool -S {} {}", nic.name, one.name), amount(one.counter, scene.now.interval)});
    }
    return sum;
}

std::uint64_t generic_drops(const Scene& scene, const Nic& nic, std::string_view reasons)
{
    std::uint64_t sum = 0;
    if (scene.drops)
        for (const DropCount& drop : scene.drops->drops)
            if (drop.nic == nic.name && is_among(drop, reasons)) sum += drop.packets;
    return sum;
}

Sightings look_xdp(const Scene& scene, const Cause& cause)
{
    if (!scene.now.nics) return std::unexpected(scene.now.nics.error());
    std::vector<Sighting> seen;
    for (const Nic& nic : *scene.now.nics) {
        Sighting sighting;
        sighting.events = native_drops(scene, nic, sighting.evidence) + generic_drops(scene, nic, cause.reasons);
        if (sighting.events == 0) continue;
        sighting.victim = nic.name;
        std::ranges::move(drop_evidence(scene, cause.reasons), std::back_inserter(sighting.evidence));
        for (const XdpProgram& program : nic.xdp)
            sighting.evidence.push_back(
                {fmt::format("XDP program on {}", nic.name), fmt::format("id {}, {}", program.id, program.mode)});
        seen.push_back(std::move(sighting));
    }
    return seen;
}

// An ingress or clsact qdisc holds no packets: what it drops, its filters dropped.
Sightings look_tc(const Scene& scene, const Cause& cause)
{
    Sighting sighting = counted(scene, cause);
    if (scene.now.qdiscs)
        for (const Qdisc& qdisc : *scene.now.qdiscs) {
            if ((qdisc.kind != "ingress" && qdisc.kind != "clsact") || qdisc.drops.growth == 0) continue;
            sighting.events = std::max(sighting.events, qdisc.drops.growth);
            sighting.victim = qdisc.nic;
            sighting.evidence.push_back({fmt::format("tc -s qdisc show dev {} ({})", qdisc.nic, qdisc.kind),
                                         amount(qdisc.drops, scene.now.interval) + " dropped"});
        }
    if (sighting.events == 0) return std::vector<Sighting>{};
    return std::vector{std::move(sighting)};
}

constexpr std::array causes{
    Cause{.id = "xdp-drop",
          .layer = Layer::Xdp,
          .nature = Nature::Policy,
          .severity = Severity::Low,
          .symptoms = drops | refused,
          .what = "XDP programs that drop",
          .unit = "packets dropped",
          .reasons = "XDP NOT_SPECIFIED@do_xdp_generic", // 6.18 gives generic XDP no reason
          .look = look_xdp,
          .title = "An XDP program drops packets",
          .why = "The program said XDP_DROP. Native XDP is counted by the driver alone; generic XDP by drop reason.",
          .confirm = "ip link show DEV   (xdp, prog/xdp id)\nbpftool prog show id ID; bpftool net",
          .advice = "nothing, if it is meant; else look at the program and its maps: bpftool map dump",
          .cost = "none: advice only"},
    Cause{.id = "tc-drop",
          .layer = Layer::Xdp,
          .nature = Nature::Policy,
          .severity = Severity::Low,
          .symptoms = drops | refused,
          .what = "tc filters and programs that drop",
          .unit = "packets dropped",
          .reasons = "TC_INGRESS TC_EGRESS",
          .look = look_tc,
          .title = "A tc filter or program drops packets",
          .why = "A filter's action, or a BPF program attached by tc or tcx, said drop (TC_ACT_SHOT), or a policer was "
                 "exceeded.",
          .confirm = "tc -s filter show dev DEV ingress; tc -s filter show dev DEV egress\nbpftool net",
          .advice = "nothing, if it is meant; a policer: shape on the sender instead of dropping here",
          .cost = "none: advice only"},
};

} // namespace

std::span<const Cause> program_causes() { return causes; }

} // namespace netwright::diagnose
