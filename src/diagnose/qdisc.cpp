// SPDX-License-Identifier: GPL-2.0-or-later
// Queues on the way out: what they drop, and how long packets wait in them.
#include "model/counter_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

constexpr std::uint64_t few_drops = 5;
constexpr double rare = 1e-4, frequent = 0.01; // share of packets: now and then is how TCP learns a link's rate
constexpr double long_wait = 0.05;             // seconds

bool takes_packets_in(const Qdisc& qdisc) { return qdisc.kind == "ingress" || qdisc.kind == "clsact"; }

// A drop in a leaf is counted by its parents too: the deepest that counts it is the one.
bool counted_below(const std::vector<Qdisc>& all, const Qdisc& qdisc)
{
    return std::ranges::any_of(all, [&](const Qdisc& other) {
        return &other != &qdisc && other.nic == qdisc.nic && other.drops.growth > 0 && other.parent != "root" &&
               qdisc.parent == "root";
    });
}

std::string name_of(const Qdisc& qdisc) { return fmt::format("{} {} on {}", qdisc.kind, qdisc.handle, qdisc.nic); }

double drop_share(const Qdisc& qdisc)
{
    const std::uint64_t offered = qdisc.packets.growth + qdisc.drops.growth;
    return static_cast<double>(qdisc.drops.growth) / static_cast<double>(std::max<std::uint64_t>(1, offered));
}

Sightings look_drops(const Scene& scene, const Cause& cause)
{
    if (!scene.now.qdiscs) return std::unexpected(scene.now.qdiscs.error());
    std::vector<Sighting> seen;
    for (const Qdisc& qdisc : *scene.now.qdiscs) {
        if (qdisc.drops.growth < few_drops || takes_packets_in(qdisc) || counted_below(*scene.now.qdiscs, qdisc))
            continue;
        if (drop_share(qdisc) < rare) continue;
        Sighting sighting;
        sighting.severity = drop_share(qdisc) < frequent ? Severity::Medium : Severity::High;
        sighting.events = qdisc.drops.growth;
        sighting.victim = name_of(qdisc);
        sighting.evidence = {
            {fmt::format("tc -s qdisc show dev {}", qdisc.nic), amount(qdisc.drops, scene.now.interval) + " dropped"},
            {"waiting in it now", fmt::format("{} packets, {} bytes", qdisc.queued_packets, qdisc.backlog_bytes)}};
        std::ranges::move(drop_evidence(scene, cause.reasons), std::back_inserter(sighting.evidence));
        std::ranges::move(counter_evidence(scene, "UdpSndbufErrors TcpExtTCPRetransFail"),
                          std::back_inserter(sighting.evidence));
        seen.push_back(std::move(sighting));
    }
    return seen;
}

const Qdisc* qdisc_before(const Scene& scene, const Qdisc& qdisc)
{
    if (!scene.before.qdiscs) return nullptr;
    const auto found = std::ranges::find_if(*scene.before.qdiscs, [&](const Qdisc& one) {
        return one.nic == qdisc.nic && one.handle == qdisc.handle && one.parent == qdisc.parent &&
               one.kind == qdisc.kind;
    });
    return found == scene.before.qdiscs->end() ? nullptr : &*found;
}

// Seconds the queue needs to empty at the rate it had; 0 unless something waited at both moments.
double wait_in(const Scene& scene, const Qdisc& qdisc)
{
    const Qdisc* const before = qdisc_before(scene, qdisc);
    if (!before || before->backlog_bytes == 0 || qdisc.backlog_bytes == 0 || qdisc.bytes.growth == 0) return 0;
    return static_cast<double>(qdisc.backlog_bytes) / per_second(scene, qdisc.bytes.growth);
}

Sightings look_wait(const Scene& scene, const Cause&)
{
    if (!scene.now.qdiscs) return std::unexpected(scene.now.qdiscs.error());
    std::vector<Sighting> seen;
    for (const Qdisc& qdisc : *scene.now.qdiscs) {
        const double wait = wait_in(scene, qdisc);
        if (wait < long_wait || takes_packets_in(qdisc)) continue;
        Sighting sighting;
        sighting.victim = name_of(qdisc);
        sighting.severity = wait > 0.5 ? Severity::High : Severity::Medium;
        sighting.evidence = {{fmt::format("tc -s qdisc show dev {}, backlog", qdisc.nic),
                              fmt::format("{} bytes in {} packets", qdisc.backlog_bytes, qdisc.queued_packets)},
                             {"time to empty at the rate it had", fmt::format("{:.0f} ms", wait * 1000)}};
        seen.push_back(std::move(sighting));
    }
    return seen;
}

constexpr std::array causes{
    Cause{.id = "qdisc-full",
          .layer = Layer::Qdisc,
          .severity = Severity::Medium,
          .symptoms = drops | throughput,
          .what = "full queues on the way out",
          .unit = "packets dropped",
          .reasons = "QDISC_DROP QDISC_OVERLIMIT QDISC_CONGESTED FQ_BAND_LIMIT FQ_HORIZON_LIMIT "
                     "FQ_FLOW_LIMIT CAKE_FLOOD DUALPI2_STEP_DROP",
          .look = look_drops,
          .title = "A queue on the way out is full and drops packets",
          .why =
              "More is sent than the device, or the rate the queue is shaped to, takes away. TCP sees it as loss; UDP "
              "programs get ENOBUFS or nothing at all.",
          .confirm = "tc -s qdisc show dev DEV   (dropped grows)\nnstat -az UdpSndbufErrors TcpExtTCPRetransFail",
          .advice = "a shaper: is its rate still what the link sells? Pace senders (fq, SO_MAX_PACING_RATE)\n"
                    "one greedy flow: fq or fq_codel instead of a FIFO\n"
                    "a longer limit only where bursts are legitimate",
          .cost = "a longer queue is delay for everybody behind it (bufferbloat)",
          .no_use = "receive buffers, netdev_max_backlog: they are for packets that come in"},
    Cause{.id = "qdisc-wait",
          .layer = Layer::Qdisc,
          .symptoms = latency,
          .what = "long waits in queues on the way out",
          .unit = "",
          .look = look_wait,
          .title = "Packets wait long in a queue on the way out (bufferbloat)",
          .why = "The queue stays filled: every packet waits until all before it have left.",
          .confirm = "tc -s qdisc show dev DEV   (backlog)\nss -ti   (rtt far above minrtt)",
          .advice = "fq_codel or cake at the bottleneck; shape a little below the link's rate; a shorter limit\n"
                    "net.ipv4.tcp_notsent_lowat for programs that send in bulk",
          .cost = "slightly less throughput"},
};

} // namespace

std::span<const Cause> qdisc_causes() { return causes; }

} // namespace netwright::diagnose
