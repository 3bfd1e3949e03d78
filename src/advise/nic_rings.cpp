// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about frames that a NIC took from the wire and could not hand over: no descriptor, no memory, not allowed.
//
// A frame needs a free descriptor in the receive ring. There is none when the CPU that refills the ring was late: in a
// burst a longer ring helps, under steady overload only more CPU does. Drivers name the same event differently, and
// some count it on several levels, so counters of one class are shown together and never added.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

void add_statistic(std::vector<NamedCounter>& counters, const Nic& nic, std::string_view name)
{
    const auto counter = statistic(nic, name);
    if (counter && counter->total != 0) counters.push_back({std::string(name), *counter});
}

struct Losses {
    std::vector<NamedCounter> counters;
    Counter worst;
    std::optional<Severity> severity;
};

Losses weighed(const Nic& nic, std::vector<NamedCounter> counters, std::chrono::milliseconds interval)
{
    const Counter worst = largest(counters);
    const auto severity = weigh_loss(worst, statistic(nic, "rx_packets").value_or(Counter{}), interval);
    return {std::move(counters), worst, severity};
}

Losses ring_losses(const Nic& nic, std::chrono::milliseconds interval)
{
    std::vector<NamedCounter> counters;
    for (const std::string_view name : {"rx_missed_errors", "rx_over_errors", "rx_fifo_errors"})
        add_statistic(counters, nic, name);
    for (NamedCounter& counter : driver_counters(nic, CounterClass::NoBuffer))
        if (std::ranges::find(counters, counter.name, &NamedCounter::name) == counters.end())
            counters.push_back(std::move(counter));
    return weighed(nic, std::move(counters), interval);
}

Finding ring_finding(const Nic& nic, const Case& about, Losses losses)
{
    Finding finding;
    finding.severity = *losses.severity;
    finding.confidence = confidence_of(losses.worst);
    finding.evidence = evidence_of(nic, std::move(losses.counters), about.host.interval);
    finding.why = "Each frame needs a free descriptor. When the CPU that refills the ring is late, the NIC throws "
                  "frames away before the kernel sees them.";
    finding.cost = "Retransmissions for TCP, losses for everything else.";
    if (const auto load = busiest(about)) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    return finding;
}

bool cpu_is_full(const Case& about)
{
    const auto load = busiest(about);
    return load && load->interrupts >= nearly_full_share;
}

// ── rings ─────────────────────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_short_ring(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.statistics) return without(nic.statistics.error());
    Losses losses = ring_losses(nic, about.host.interval);
    if (!losses.severity) return std::vector<Finding>{};
    if (!nic.rx_ring) return without(nic.rx_ring.error());
    const Ring ring = *nic.rx_ring;
    if (ring.length >= ring.longest) return std::vector<Finding>{};

    Finding finding = ring_finding(nic, about, std::move(losses));
    const std::uint32_t to = std::min(ring.longest, std::max(ring.length * 2, 1024U));
    finding.title = fmt::format("{} dropped frames, and its receive ring ({}) could be longer ({})", nic.name,
                                ring.length, ring.longest);
    finding.evidence.push_back({fmt::format("ethtool -g {}", nic.name),
                                fmt::format("{} of at most {} descriptors", ring.length, ring.longest)});
    finding.remedy = set_device(NicSetting{nic.name, "ring", "rx"}, std::int64_t{ring.length}, std::int64_t{to},
                                fmt::format("twice the {} descriptors that were not enough, at least 1024, of at most "
                                            "{}",
                                            ring.length, ring.longest),
                                Risk::Low, true);
    if (cpu_is_full(about))
        finding.advice.emplace_back("A CPU spends nearly all its time in interrupts: a longer ring only delays the "
                                    "loss there; give it help first (more queues, interrupts on other CPUs).");
    finding.risk = Risk::Low;
    finding.side_effects = "most drivers take the link down for a moment; a longer ring uses more memory and cache";
    return std::vector{std::move(finding)};
}

Opinion judge_longest_ring(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.statistics) return without(nic.statistics.error());
    Losses losses = ring_losses(nic, about.host.interval);
    if (!losses.severity || (nic.rx_ring && nic.rx_ring->length < nic.rx_ring->longest)) return std::vector<Finding>{};
    const bool tellable = nic.rx_ring || nic.rx_ring.error().kind == Error::Kind::Unsupported ||
                          nic.rx_ring.error().kind == Error::Kind::Absent;
    if (!tellable) return std::vector<Finding>{}; // nic-ring-short tells this gap

    Finding finding = ring_finding(nic, about, std::move(losses));
    finding.title = fmt::format("{} drops frames although its receive ring cannot be longer", nic.name);
    if (nic.rx_ring)
        finding.evidence.push_back({fmt::format("ethtool -g {}", nic.name),
                                    fmt::format("{} descriptors, the most there can be", nic.rx_ring->length)});
    finding.advice = {"Give the ring's CPU time: more queues (ethtool -L), interrupts on other CPUs, GRO on, RPS for "
                      "a single queue.",
                      "If no CPU is full: check the PCIe slot's width and speed (lspci -vv, LnkSta) and power saving."};
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

Opinion judge_no_memory(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !nic.driver_statistics) return std::vector<Finding>{};
    Losses losses = weighed(nic, driver_counters(nic, CounterClass::Memory), about.host.interval);
    if (!losses.severity) return std::vector<Finding>{};

    Finding finding;
    finding.severity = *losses.severity;
    finding.confidence = confidence_of(losses.worst);
    finding.title = fmt::format("{} could not get memory for received frames", nic.name);
    finding.evidence = evidence_of(nic, std::move(losses.counters), about.host.interval);
    if (const auto reserve = sysctl_evidence(about, "vm.min_free_kbytes")) finding.evidence.push_back(*reserve);
    finding.why = "The ring is refilled in softirq context, which cannot wait for memory to be freed: it needs pages "
                  "that are free at that moment.";
    finding.cost = "The ring runs dry and frames are lost although the CPU has time.";
    finding.advice = {"Keep more pages free: raise vm.min_free_kbytes or vm.watermark_scale_factor in small steps; "
                      "shorter rings and a smaller MTU need less."};
    finding.risk = Risk::Medium;
    finding.side_effects = "memory kept free is not used for caches; too large a reserve starves applications";
    return std::vector{std::move(finding)};
}

// ── limits from outside ───────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_allowance(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !nic.driver_statistics) return std::vector<Finding>{};
    Losses losses = weighed(nic, driver_counters(nic, CounterClass::Allowance), about.host.interval);
    if (!losses.severity) return std::vector<Finding>{};

    Finding finding;
    finding.severity = *losses.severity;
    finding.confidence = confidence_of(losses.worst);
    finding.title = fmt::format("The cloud held back or dropped packets of {}: the instance is at its limit", nic.name);
    finding.evidence = evidence_of(nic, std::move(losses.counters), about.host.interval);
    finding.why = "The provider limits bandwidth, packets per second, tracked connections and link-local requests for "
                  "each size of instance, outside of this guest.";
    finding.cost = "Packets queue or vanish; no setting in the guest changes that.";
    finding.advice = {"A larger instance; or fewer packets (GRO, jumbo frames inside the VPC), security groups "
                      "without connection tracking, a local DNS cache (link-local limit)."};
    return std::vector{std::move(finding)};
}

// rx_dropped also counts what nobody asked for: protocols without a handler, VLANs without an interface, frames for
// others in promiscuous mode (include/uapi/linux/if_link.h). A note, never an alarm.
Opinion judge_stack_drops(const Nic& nic, const Case& about)
{
    constexpr double worth_a_note = 0.01;
    if (nic.loopback || !nic.up) return std::vector<Finding>{};
    if (!nic.statistics) return without(nic.statistics.error());
    const Counter dropped = statistic(nic, "rx_dropped").value_or(Counter{});
    const Counter packets = statistic(nic, "rx_packets").value_or(Counter{});
    constexpr std::uint64_t fewest = 100;
    if (dropped.growth < fewest ||
        static_cast<double>(dropped.growth) < worth_a_note * static_cast<double>(packets.growth))
        return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Info;
    finding.confidence = Confidence::Measured;
    finding.title = fmt::format("{} counts dropped frames that were probably nobody's", nic.name);
    finding.evidence = {{fmt::format("{} rx_dropped", nic.name), amount(dropped, about.host.interval)},
                        {fmt::format("{} rx_packets", nic.name), amount(packets, about.host.interval)}};
    finding.why = "This counter includes protocols without a handler (LLDP, STP), VLANs without an interface and "
                  "frames for other hosts. Drops for want of a descriptor are counted elsewhere.";
    finding.cost = "None, unless somebody misses these frames.";
    finding.advice = {"To see the reasons: the tracepoint skb:kfree_skb (perf, bpftrace)."};
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"nic-ring-short", "Did frames find a full receive ring that could be longer?",
         "Counters for frames without a descriptor (rx_missed_errors and the driver's own) on hardware whose ring is "
         "shorter than its maximum. Severity follows the share of frames lost between the samples: High from 1 in "
         "1,000, Medium from 1 in 100,000; a total since boot is Low at most, and below 1 in 10,000 not told. One "
         "step is proposed: twice the length, at least 1024.",
         "ethtool(8); include/uapi/linux/if_link.h; the drivers' ethtool files", judge_short_ring},
    Rule{"nic-ring-at-most", "Does the NIC drop frames although its receive ring cannot be longer?",
         "The same counters where the ring is at its maximum or cannot be set. Then only CPU time, or the way to the "
         "CPU (PCIe), can help.",
         "ethtool(8); include/uapi/linux/if_link.h", judge_longest_ring},
    Rule{"nic-receive-memory", "Could the driver not get memory for its receive ring?",
         "The driver's allocation and refill failures, weighed as a share of received packets.",
         "the drivers' ethtool files; Documentation/admin-guide/sysctl/vm.rst", judge_no_memory},
    Rule{"cloud-allowance-exceeded", "Did the cloud limit this instance's traffic?",
         "The ENA driver's *_allowance_exceeded counters: packets the provider queued or dropped because a limit of "
         "the instance size was reached. Other providers do not tell.",
         "drivers/net/ethernet/amazon/ena/ena_ethtool.c; the provider's documentation", judge_allowance},
    Rule{"nic-frames-for-nobody", "Does rx_dropped grow, and is that a reason to worry?",
         "Always Info: rx_dropped mixes unknown protocols, unknown VLANs and frames for others with real drops. Told "
         "only when it grows by 1 % of all packets and by 100.",
         "include/uapi/linux/if_link.h; net/core/dev.c", judge_stack_drops},
};

} // namespace

std::span<const Rule> nic_ring_rules() { return rules; }

} // namespace netwright::advise
