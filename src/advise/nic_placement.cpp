// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about how many queues, and so how many CPUs, serve a NIC.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

// ── number of queues ──────────────────────────────────────────────────────────────────────────────────────────────

struct QueueCount {
    std::uint32_t now = 0, most = 0;
    std::string_view kind; // as `ethtool -L` names it
};

QueueCount receive_queues(const Channels& channels)
{
    if (channels.combined_max != 0) return {channels.combined, channels.combined_max, "combined"};
    return {channels.rx, channels.rx_max, "rx"};
}

Opinion judge_few_queues(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.channels) return without(nic.channels.error());
    const QueueCount queues = receive_queues(*nic.channels);
    if (queues.now >= queues.most) return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    const std::uint32_t to = std::min(queues.most, nearby_cpus(nic, *about.host.topology).count());
    if (queues.now >= to) return std::vector<Finding>{};

    const auto load = busiest(about);
    const bool felt = is_busy(nic, about) && load && load->interrupts >= hot_share;
    Finding finding;
    finding.severity = felt ? by_load(load) : Severity::Info;
    finding.confidence = felt ? Confidence::Measured : Confidence::Convention;
    finding.title = fmt::format("{} uses {} of {} possible queues for {} CPUs", nic.name, queues.now, queues.most,
                                nearby_cpus(nic, *about.host.topology).count());
    finding.evidence = {{fmt::format("ethtool -l {}", nic.name),
                         fmt::format("{} {}, at most {}", queues.kind, queues.now, queues.most)}};
    if (load) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    finding.why = "Each receive queue has one CPU at a time. Fewer queues than CPUs leave CPUs without work while "
                  "others are full.";
    finding.cost = felt ? "A hot CPU bounds the receive rate." : "None that could be seen at this load.";
    finding.remedy = set_device(
        NicSetting{nic.name, "queues", std::string(queues.kind)}, std::int64_t{queues.now}, std::int64_t{to},
        fmt::format("a queue for each of the CPUs near the NIC, of at most {}", queues.most), Risk::Medium, true);
    finding.risk = Risk::Medium;
    finding.side_effects = "most drivers reset the link; RSS table, interrupt affinities and XPS start anew";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"nic-queues-few", "Do fewer queues than CPUs carry the load although there could be more?",
         "Hardware with fewer receive queues than nearby CPUs and than it could have. Measured, Medium or High, when "
         "it takes 10,000 packets/s and a CPU spends half of its time in interrupts; otherwise a convention (Info).",
         "ethtool(8) -L; Documentation/networking/scaling.rst", judge_few_queues},
};

} // namespace

std::span<const Rule> nic_placement_rules() { return rules; }

} // namespace netwright::advise
