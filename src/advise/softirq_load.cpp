// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about who does the receive work: skewed over the CPUs, more than they can do, or taken by the hypervisor.
#include "advise/nic_words.h"
#include "advise/softirq_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr double noticeable_share = 0.25;

// ── skew ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// Three times its fair share, or nearly all of it where there are only a few CPUs.
bool skewed(std::uint64_t most, std::uint64_t all, std::size_t cpus)
{
    const double share = static_cast<double>(most) / static_cast<double>(all);
    return share > std::min(3.0 / static_cast<double>(cpus), 0.85);
}

bool busy(std::uint64_t packets, std::chrono::milliseconds interval)
{
    return static_cast<double>(packets) * 1000 >= busy_rate * static_cast<double>(interval.count());
}

Finding skew(const SoftnetCpu& most, std::uint64_t all, const CpuLoad& load, const Case& about)
{
    const double share = static_cast<double>(most.processed.growth) / static_cast<double>(all);
    Finding finding;
    finding.severity = load.interrupts >= nearly_full_share ? Severity::High
                       : load.interrupts >= hot_share       ? Severity::Medium
                                                            : Severity::Low;
    finding.confidence = Confidence::Measured;
    finding.title = fmt::format("CPU {} receives {} of all packets and spends {} of its time on it", most.cpu,
                                percent(share), percent(load.interrupts));
    finding.evidence = {{fmt::format("/proc/net/softnet_stat processed, CPU {}", most.cpu),
                         fmt::format("{} of {} packets in {}", grouped(most.processed.growth), grouped(all),
                                     duration_text(about.host.interval))},
                        load_evidence(load, about.host.interval)};
    finding.why = "A packet is processed by the CPU that took its queue's interrupt. One queue, one interrupt CPU, few "
                  "flows or a hash that cannot tell flows apart put all work on one CPU while others idle.";
    finding.cost = "The host's receive rate ends where this CPU's time ends, and whatever runs on it waits.";
    finding.advice = {"Look at the NIC's queues and interrupts: `ethtool -l DEV`, `ethtool -x DEV`, /proc/interrupts. "
                      "More queues, interrupts spread over CPUs, a hash over ports, RPS for a single queue, in this "
                      "order."};
    finding.risk = Risk::Low;
    return finding;
}

Opinion judge_receive_skew(const Case& about)
{
    if (!about.host.softnet) return std::unexpected(about.host.softnet.error());
    const auto& cpus = *about.host.softnet;
    if (cpus.size() < 2 || about.host.interval.count() == 0) return std::vector<Finding>{};
    std::uint64_t all = 0;
    for (const SoftnetCpu& cpu : cpus)
        all += cpu.processed.growth;
    const auto growth = [](const SoftnetCpu& cpu) { return cpu.processed.growth; };
    const auto most = std::ranges::max_element(cpus, {}, growth);
    if (!busy(all, about.host.interval) || !skewed(most->processed.growth, all, cpus.size()))
        return std::vector<Finding>{};
    const auto loads = cpu_loads(about);
    const auto load = std::ranges::find(loads, most->cpu, &CpuLoad::cpu);
    if (load == loads.end() || load->interrupts < noticeable_share) return std::vector<Finding>{};
    return std::vector{skew(*most, all, *load, about)};
}

// ── all CPUs together ─────────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_exhausted(const Case& about)
{
    constexpr double much = 0.6;
    const auto loads = cpu_loads(about);
    if (loads.empty()) return std::vector<Finding>{};
    double sum = 0;
    for (const CpuLoad& load : loads)
        sum += load.interrupts;
    const double mean = sum / static_cast<double>(loads.size());
    if (mean < much) return std::vector<Finding>{};

    Finding finding;
    finding.severity = mean >= nearly_full_share ? Severity::High : Severity::Medium;
    finding.confidence = Confidence::Measured;
    finding.title = fmt::format("Interrupts take {} of all CPU time", percent(mean));
    for (const CpuLoad& load : loads)
        if (finding.evidence.size() < 4) finding.evidence.push_back(load_evidence(load, about.host.interval));
    finding.why = "All CPUs together spend most of their time in hard and soft interrupts: the work is spread, there "
                  "is too much of it for each packet.";
    finding.cost = "Applications get what is left; latency rises and rings overflow in bursts.";
    finding.advice = {"Lower the cost of a packet before anything else: GRO on, interrupt coalescing (adaptive-rx), "
                      "fewer netfilter rules and no connection tracking where it is not needed; drop unwanted "
                      "traffic early (XDP)."};
    finding.risk = Risk::Low;
    finding.side_effects = "coalescing adds some microseconds of latency at low rates";
    return std::vector{std::move(finding)};
}

Opinion judge_steal(const Case& about)
{
    constexpr double some = 0.05, much = 0.2;
    const auto loads = cpu_loads(about);
    const auto worst = std::ranges::max_element(loads, {}, &CpuLoad::steal);
    if (worst == loads.end() || worst->steal < some) return std::vector<Finding>{};

    Finding finding;
    finding.severity = worst->steal >= much ? Severity::High : Severity::Medium;
    finding.confidence = Confidence::Measured;
    finding.title =
        fmt::format("The hypervisor took {} of CPU {} for somebody else", percent(worst->steal), worst->cpu);
    finding.evidence = {{fmt::format("/proc/stat cpu{} steal", worst->cpu),
                         fmt::format("{} of {}", percent(worst->steal), duration_text(about.host.interval))}};
    finding.why = "The virtual CPU was ready to run and did not get a real one. Packets wait meanwhile, and no setting "
                  "inside the guest changes that.";
    finding.cost = "Latency spikes of milliseconds, receive rings that overflow, and measurements that mislead.";
    finding.advice = {"Move to a host or an instance size with CPUs of its own, or use up fewer CPU credits; measure "
                      "again before tuning anything else."};
    return std::vector{std::move(finding)};
}

constexpr std::array load_rules{
    Rule{"softirq-receive-skew", "Does one CPU do most of the receive work while others idle?",
         "From 10,000 packets/s on: one CPU processes more than three times its fair share (85 % on hosts with few "
         "CPUs) and spends at least 25 % of its time in interrupts. Low from 25 %, Medium from 50 %, High from 80 %. A "
         "skew that costs nothing is left alone.",
         "Documentation/networking/scaling.rst; net/core/dev.c", judge_receive_skew},
    Rule{"softirq-cpus-exhausted", "Do interrupts take most of the time of all CPUs together?",
         "The mean of hard and soft interrupt time over all CPUs between two samples: Medium from 60 %, High from "
         "80 %. Needs samples at least half a second apart, since the kernel counts in ticks of 10 ms.",
         "fs/proc/stat.c; Documentation/networking/scaling.rst", judge_exhausted},
    Rule{"cpu-steal", "Does the hypervisor take CPU time away from this guest?",
         "Steal time of the worst CPU between two samples: Medium from 5 %, High from 20 %. The total since boot is "
         "not judged: it says nothing about now.",
         "Documentation/filesystems/proc.rst (/proc/stat)", judge_steal},
};

} // namespace

std::span<const Rule> softirq_load_rules() { return load_rules; }

} // namespace netwright::advise
