// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about which CPUs serve a NIC: how many queues, where their interrupts go, on which NUMA node.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr double high_rate = 100'000; // packets/s from which caches and memory of a remote node are felt

Severity by_load(const std::optional<CpuLoad>& load)
{
    if (!load || load->interrupts < hot_share) return Severity::Low;
    return load->interrupts >= nearly_full_share ? Severity::High : Severity::Medium;
}

bool is_busy(const Nic& nic, const Case& about)
{
    return receive_rate(nic, about.host.interval).value_or(0) >= busy_rate;
}

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

// ── interrupts ────────────────────────────────────────────────────────────────────────────────────────────────────

// Interrupts for configuration, management and events carry no packets.
bool carries_packets(const NicInterrupt& interrupt)
{
    constexpr std::array others{std::string_view{"config"}, std::string_view{"control"}, std::string_view{"mgmnt"},
                                std::string_view{"mgmt"},   std::string_view{"async"},   std::string_view{"aenq"},
                                std::string_view{"misc"},   std::string_view{"event"},   std::string_view{"cmd"},
                                std::string_view{"pages"},  std::string_view{"fw"},      std::string_view{"ptp"}};
    return std::ranges::none_of(
        others, [&](std::string_view word) { return interrupt.action.find(word) != std::string::npos; });
}

// Where the interrupt goes: the effective set where the kernel tells it, else what was asked for.
const CpuSet* target(const NicInterrupt& interrupt)
{
    if (interrupt.effective && !interrupt.effective->empty()) return &*interrupt.effective;
    return interrupt.affinity ? &*interrupt.affinity : nullptr;
}

std::vector<const NicInterrupt*> packet_interrupts(const Nic& nic)
{
    std::vector<const NicInterrupt*> found;
    if (!nic.interrupts) return found;
    for (const NicInterrupt& interrupt : *nic.interrupts)
        if (carries_packets(interrupt) && target(interrupt) != nullptr) found.push_back(&interrupt);
    return found;
}

std::string list_of(const std::vector<const NicInterrupt*>& interrupts)
{
    std::string text;
    constexpr std::size_t shown = 6;
    for (std::size_t i = 0; i < std::min(shown, interrupts.size()); ++i)
        text += fmt::format("{}{} → {}", i == 0 ? "" : ", ", interrupts[i]->irq, target(*interrupts[i])->list());
    return interrupts.size() > shown ? fmt::format("{} and {} more", text, interrupts.size() - shown) : text;
}

Opinion judge_one_cpu(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || queues_of(nic, "rx").size() < 2) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    const auto interrupts = packet_interrupts(nic);
    if (interrupts.size() < 2 || target(*interrupts.front())->count() != 1) return std::vector<Finding>{};
    const CpuSet& only = *target(*interrupts.front());
    if (!std::ranges::all_of(interrupts, [&](const NicInterrupt* each) { return *target(*each) == only; }))
        return std::vector<Finding>{};
    if (about.host.topology && nearby_cpus(nic, *about.host.topology).count() < 2) return std::vector<Finding>{};

    const auto load = busiest(about);
    const bool felt = is_busy(nic, about);
    Finding finding;
    finding.severity = felt ? by_load(load) : Severity::Info;
    finding.confidence = felt ? Confidence::Measured : Confidence::Derived;
    finding.title = fmt::format("All {} queue interrupts of {} go to CPU {}", interrupts.size(), nic.name, only.list());
    finding.evidence = {{"/proc/irq/*/effective_affinity_list", list_of(interrupts)}};
    if (load) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    finding.why = "The NIC spreads flows over its queues, and one CPU collects them all again.";
    finding.cost = felt ? "That CPU bounds the receive rate." : "None that could be seen at this load.";
    finding.advice = {runs(about, "irqbalance")
                          ? "irqbalance runs and should have spread them: look for --banirq, a ban list or a policy "
                            "script in its configuration."
                          : fmt::format("Start irqbalance, or give each interrupt a CPU: echo N > "
                                        "/proc/irq/{}/smp_affinity_list, and so on for each.",
                                        interrupts.front()->irq)};
    finding.risk = Risk::Low;
    finding.side_effects = "packets of running flows may be reordered once, when an interrupt moves";
    return std::vector{std::move(finding)};
}

Opinion judge_remote_node(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !about.host.topology || about.host.topology->nodes.size() < 2)
        return std::vector<Finding>{};
    if (!nic.node || *nic.node < 0 || !nic.local_cpus || nic.local_cpus->empty()) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    auto interrupts = packet_interrupts(nic);
    const std::size_t all = interrupts.size();
    std::erase_if(interrupts, [&](const NicInterrupt* each) { return !(*target(*each) & *nic.local_cpus).empty(); });
    if (interrupts.empty()) return std::vector<Finding>{};

    const double rate = receive_rate(nic, about.host.interval).value_or(0);
    Finding finding;
    finding.severity = rate >= high_rate ? Severity::Medium : rate >= busy_rate ? Severity::Low : Severity::Info;
    finding.confidence = Confidence::Derived;
    finding.title =
        fmt::format("{} of {} queue interrupts of {} go to another NUMA node", interrupts.size(), all, nic.name);
    finding.evidence = {
        {"/proc/irq/*/effective_affinity_list", list_of(interrupts)},
        {fmt::format("{} is on NUMA node {}", nic.name, *nic.node), fmt::format("CPUs {}", nic.local_cpus->list())}};
    finding.why = "Descriptors and packets lie in the memory of the NIC's node; each access from another node crosses "
                  "the link between the sockets.";
    finding.cost = "More time for each packet, and a shared link that fills up.";
    finding.advice = {fmt::format("Keep them on CPUs {}: /proc/irq/N/smp_affinity_list, or irqbalance with the node's "
                                  "CPUs; place the applications there too.",
                                  nic.local_cpus->list())};
    finding.risk = Risk::Low;
    finding.side_effects = "the near node does all the receive work: leave it room";
    return std::vector{std::move(finding)};
}

// Interrupt i on CPU base+i and nowhere else: what pinning scripts leave behind, and what drivers suggest at start.
bool pinned_in_order(const std::vector<const NicInterrupt*>& interrupts)
{
    if (interrupts.size() < 4) return false;
    for (std::size_t i = 0; i < interrupts.size(); ++i) {
        const auto& asked = interrupts[i]->affinity;
        if (!asked || asked->count() != 1) return false;
        if (asked->members()[0] != (*interrupts[0]->affinity).members()[0] + i) return false;
    }
    return true;
}

Opinion judge_two_masters(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !nic.interrupts || !about.host.services) return std::vector<Finding>{};
    const auto balance = std::ranges::find_if(
        *about.host.services, [](const Service& service) { return service.name == "irqbalance" && service.running; });
    const auto interrupts = packet_interrupts(nic);
    if (balance == about.host.services->end() || !pinned_in_order(interrupts)) return std::vector<Finding>{};
    const std::string arguments = balance->detail.value_or("");
    if (arguments.find("ban") != std::string::npos || arguments.find("policyscript") != std::string::npos)
        return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Info;
    finding.confidence = Confidence::Convention;
    finding.title = fmt::format("The interrupts of {} look pinned by hand, and irqbalance runs", nic.name);
    finding.evidence = {{"/proc/irq/*/smp_affinity_list", list_of(interrupts)},
                        {"irqbalance", arguments.empty() ? "running, no interrupt banned" : "running: " + arguments}};
    finding.why = "irqbalance moves interrupts as it sees fit and undoes what a script has set, sooner or later.";
    finding.cost = "A placement that was chosen with care does not last.";
    finding.advice = {"Choose one: ban these interrupts from irqbalance (--banirq, a policy script), or leave the "
                      "placement to it."};
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"nic-queues-few", "Do fewer queues than CPUs carry the load although there could be more?",
         "Hardware with fewer receive queues than nearby CPUs and than it could have. Measured, Medium or High, when "
         "it takes 10,000 packets/s and a CPU spends half of its time in interrupts; otherwise a convention (Info).",
         "ethtool(8) -L; Documentation/networking/scaling.rst", judge_few_queues},
    Rule{"nic-interrupts-on-one-cpu", "Do the interrupts of several queues all go to one CPU?",
         "Hardware with two or more receive queues whose packet interrupts all have the same single effective CPU. "
         "Info while less than 10,000 packets/s come in; else by the busiest CPU's load. Interrupts for configuration "
         "and events do not count.",
         "Documentation/core-api/irq/irq-affinity.rst", judge_one_cpu},
    Rule{"nic-interrupts-remote", "Do interrupts go to another NUMA node than the NIC's?",
         "Hosts with several nodes, NICs whose node the firmware tells. Medium from 100,000 packets/s, Low from "
         "10,000, else Info.",
         "Documentation/networking/scaling.rst; Documentation/core-api/irq/irq-affinity.rst", judge_remote_node},
    Rule{"irqbalance-beside-pinning", "Do irqbalance and hand-made pinning both place this NIC's interrupts?",
         "Four or more interrupts, each on one CPU in rising order, while irqbalance runs without a ban list or "
         "policy script. Drivers leave the same pattern at start, so this is a convention (Info).",
         "irqbalance(1)", judge_two_masters},
};

} // namespace

std::span<const Rule> nic_placement_rules() { return rules; }

} // namespace netwright::advise
