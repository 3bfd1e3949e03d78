// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about steering in software: RPS (which CPUs take a queue's packets), RFS (towards the application's CPU), XPS
// (which queue a CPU sends through). Documentation/networking/scaling.rst is the reference for all of them.
#include "advise/nic_words.h"
#include "advise/softirq_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

namespace netwright::advise {
namespace {

Evidence mask_evidence(const Nic& nic, const Queue& queue, std::string_view attribute, const CpuSet& cpus)
{
    return {fmt::format("/sys/class/net/{}/queues/{}/{}", nic.name, queue.name, attribute),
            cpus.empty() ? "0 (off)" : fmt::format("CPUs {}", cpus.list())};
}

bool any_cpus(const std::vector<const Queue*>& queues)
{
    return std::ranges::any_of(queues, [](const Queue* queue) { return queue->cpus && !queue->cpus->empty(); });
}

// ── RPS ───────────────────────────────────────────────────────────────────────────────────────────────────────────

bool could_have_more_queues(const Nic& nic)
{
    if (!nic.channels) return false;
    const Channels& now = *nic.channels;
    return now.combined_max > now.combined || now.rx_max > now.rx;
}

Opinion judge_single_queue(const Nic& nic, const Case& about)
{
    const auto queues = queues_of(nic, "rx");
    if (!working_hardware(nic) || queues.size() != 1 || could_have_more_queues(nic)) return std::vector<Finding>{};
    const auto load = busiest(about);
    const auto rate = receive_rate(nic, about.host.interval);
    if (!load || load->interrupts < hot_share || rate.value_or(0) < busy_rate) return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    const CpuSet cpus = nearby_cpus(nic, *about.host.topology);
    const Queue& queue = *queues.front();
    if (!queue.cpus) return without(queue.cpus.error());
    if (!queue.cpus->empty() || cpus.count() < 2) return std::vector<Finding>{};

    Finding finding;
    finding.severity = load->interrupts >= nearly_full_share ? Severity::High : Severity::Medium;
    finding.confidence = Confidence::Measured;
    finding.title = fmt::format("{} has one receive queue, and the CPU behind it is hot", nic.name);
    finding.evidence = {load_evidence(*load, about.host.interval),
                        {fmt::format("{} rx_packets", nic.name), fmt::format("{:.0f} packets/s", *rate)},
                        mask_evidence(nic, queue, "rps_cpus", *queue.cpus)};
    finding.why = "All packets of a single queue are processed by the CPU that takes its interrupt. RPS hands them on "
                  "to other CPUs by a hash of the flow.";
    finding.cost = "One CPU bounds the receive rate of the host while others idle.";
    finding.side_effects = "an interrupt between CPUs for each batch; latency of single packets rises by microseconds";
    finding.risk = Risk::Low;
    finding.remedy = set_queue(nic, queue, QueueSetting::What::RpsCpus, *queue.cpus, cpus,
                               fmt::format("the {} online CPUs near the NIC", cpus.count()));
    return std::vector{std::move(finding)};
}

// RFS steers through the same code; where it is on, RPS masks have a purpose.
bool follows_flows(const Nic& nic, const Case& about)
{
    const auto entries = about.host.sysctls.number("net.core.rps_sock_flow_entries");
    const auto counts = [](const Queue* queue) { return queue->flow_count && *queue->flow_count != 0; };
    return entries && *entries != 0 && std::ranges::any_of(queues_of(nic, "rx"), counts);
}

std::uint64_t steered_by_rps(const Case& about)
{
    std::uint64_t packets = 0;
    if (about.host.softnet)
        for (const SoftnetCpu& cpu : *about.host.softnet)
            packets += cpu.received_rps.growth;
    return packets;
}

Opinion judge_rps_beside_rss(const Nic& nic, const Case& about)
{
    const auto queues = queues_of(nic, "rx");
    if (!working_hardware(nic) || queues.size() < 2 || !any_cpus(queues) || follows_flows(nic, about))
        return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    if (queues.size() < nearby_cpus(nic, *about.host.topology).count()) return std::vector<Finding>{};

    const std::uint64_t steered = steered_by_rps(about);
    Finding finding;
    finding.severity = steered == 0 ? Severity::Info : Severity::Low;
    finding.confidence = steered == 0 ? Confidence::Convention : Confidence::Measured;
    finding.title =
        fmt::format("RPS moves packets of {} that its {} queues have already spread", nic.name, queues.size());
    for (const Queue* queue : queues)
        if (queue->cpus && !queue->cpus->empty()) {
            if (finding.evidence.size() < 3)
                finding.evidence.push_back(mask_evidence(nic, *queue, "rps_cpus", *queue->cpus));
            std::ranges::move(set_queue(nic, *queue, QueueSetting::What::RpsCpus, *queue->cpus, CpuSet{},
                                        "the NIC has a queue for each CPU and spreads flows itself"),
                              std::back_inserter(finding.remedy));
        }
    if (steered != 0)
        finding.evidence.push_back(
            {"/proc/net/softnet_stat received_rps",
             fmt::format("{} wake-ups in {}", grouped(steered), duration_text(about.host.interval))});
    finding.why = "The NIC's own hash (RSS) gives each CPU its flows. RPS hashes again, queues each packet in another "
                  "CPU's backlog and wakes that CPU.";
    finding.cost = "An inter-processor interrupt and cold caches for nothing.";
    finding.risk = Risk::Low;
    finding.side_effects = "a hash that only sees tunnels or one address pair may need RPS after all";
    return std::vector{std::move(finding)};
}

// ── RFS ───────────────────────────────────────────────────────────────────────────────────────────────────────────

struct FlowTables {
    std::uint64_t slots = 0;         // sum of rps_flow_cnt over all receive queues of hardware
    std::vector<const Nic*> devices; // hardware with receive queues whose count could be read
};

FlowTables flow_tables(const std::vector<Nic>& nics)
{
    FlowTables tables;
    for (const Nic& nic : nics) {
        if (!working_hardware(nic)) continue;
        bool readable = false;
        for (const Queue* queue : queues_of(nic, "rx"))
            if (queue->flow_count) {
                readable = true;
                tables.slots += *queue->flow_count;
            }
        if (readable) tables.devices.push_back(&nic);
    }
    return tables;
}

Finding half_rfs(std::string title, std::int64_t entries, std::uint64_t slots)
{
    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = std::move(title);
    finding.evidence = {{"sysctl net.core.rps_sock_flow_entries", fmt::format("{}", entries)},
                        {"/sys/class/net/*/queues/rx-*/rps_flow_cnt, all together", fmt::format("{}", slots)}};
    finding.why = "RFS steers a flow's packets to the CPU where its application last ran. It needs both tables: the "
                  "host's (which CPU) and each queue's (which flows).";
    finding.cost = "Every receive call pays for a table that no queue uses, or the setting does nothing at all.";
    finding.side_effects = "packets of a flow may move between CPUs when its application does";
    finding.risk = Risk::Low;
    return finding;
}

void fill_flow_counts(Finding& finding, const Nic& nic, std::int64_t entries)
{
    const auto queues = queues_of(nic, "rx");
    const std::int64_t each = entries / static_cast<std::int64_t>(queues.size());
    for (const Queue* queue : queues)
        if (queue->flow_count && each > 0)
            std::ranges::move(set_queue(nic, *queue, QueueSetting::What::RpsFlowCount,
                                        static_cast<std::int64_t>(*queue->flow_count), each,
                                        fmt::format("{} entries / {} queues", entries, queues.size())),
                              std::back_inserter(finding.remedy));
}

Opinion judge_half_rfs(const Case& about)
{
    const auto entries = about.host.sysctls.number("net.core.rps_sock_flow_entries");
    if (!entries) return without(entries.error()); // a child namespace does not show it
    if (!about.host.nics) return std::unexpected(about.host.nics.error());
    const FlowTables tables = flow_tables(*about.host.nics);
    if (tables.devices.empty() || (*entries == 0) == (tables.slots == 0)) return std::vector<Finding>{};

    if (*entries != 0) {
        Finding finding = half_rfs("RFS is only half on: no receive queue has a flow table", *entries, tables.slots);
        for (const Nic* nic : tables.devices)
            fill_flow_counts(finding, *nic, *entries);
        return std::vector{std::move(finding)};
    }
    Finding finding = half_rfs("RFS is only half on: the host's flow table is empty", *entries, tables.slots);
    const auto to = static_cast<std::int64_t>(std::bit_ceil(std::min(tables.slots, std::uint64_t{1} << 20)));
    propose(finding,
            raise_sysctl(about, "rfs-half-configured", "net.core.rps_sock_flow_entries", Value{to},
                         fmt::format("the {} slots of all queues, rounded up to a power of two", tables.slots)));
    return std::vector{std::move(finding)};
}

// ── XPS ───────────────────────────────────────────────────────────────────────────────────────────────────────────

bool sends_much(const Nic& nic, std::chrono::milliseconds interval)
{
    constexpr double much = 100'000; // packets/s; below, one lock more or less cannot be felt
    const auto packets = statistic(nic, "tx_packets");
    return packets && interval.count() != 0 &&
           static_cast<double>(packets->growth) * 1000 >= much * static_cast<double>(interval.count());
}

CpuSet covered(const std::vector<const Queue*>& queues)
{
    CpuSet cpus;
    for (const Queue* queue : queues)
        if (queue->cpus) cpus = cpus | *queue->cpus;
    return cpus;
}

// CPUs that have no queue join the queues in turn.
void spread(Finding& finding, const Nic& nic, const std::vector<const Queue*>& queues, const CpuSet& left)
{
    const std::vector<unsigned> cpus = left.members();
    for (std::size_t i = 0; i < queues.size(); ++i) {
        CpuSet to = *queues[i]->cpus;
        for (std::size_t n = i; n < cpus.size(); n += queues.size())
            to.add(cpus[n]);
        std::ranges::move(
            set_queue(nic, *queues[i], QueueSetting::What::XpsCpus, *queues[i]->cpus, to,
                      fmt::format("{} CPUs without a queue in turn over {} queues", cpus.size(), queues.size())),
            std::back_inserter(finding.remedy));
    }
}

Opinion judge_xps(const Nic& nic, const Case& about)
{
    const auto queues = queues_of(nic, "tx");
    if (!working_hardware(nic) || queues.size() < 2 || !sends_much(nic, about.host.interval))
        return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    for (const Queue* queue : queues)
        if (!queue->cpus) return without(queue->cpus.error());
    const CpuSet left = about.host.topology->online - covered(queues);
    if (left.empty()) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = any_cpus(queues)
                        ? fmt::format("{} CPUs have no transmit queue of {} of their own", left.count(), nic.name)
                        : fmt::format("No CPU has a transmit queue of {} of its own", nic.name);
    finding.evidence = {{fmt::format("/sys/class/net/{}/queues/tx-*/xps_cpus", nic.name),
                         fmt::format("{} queues, none for CPUs {}", queues.size(), left.list())},
                        {fmt::format("{} tx_packets", nic.name),
                         amount(statistic(nic, "tx_packets").value_or(Counter{}), about.host.interval)}};
    finding.why = "Without XPS a flow's hash picks the queue, so CPUs share queues, their locks and their cache lines.";
    finding.cost = "Contention on transmit queue locks at high packet rates.";
    finding.risk = Risk::Low;
    finding.side_effects = "a flow that moves to another CPU moves to another queue once its old packets have left";
    spread(finding, nic, queues, left);
    return std::vector{std::move(finding)};
}

constexpr std::array steering_rules{
    Rule{"rps-single-queue", "Is one receive queue too much for the CPU behind it, while others could help?",
         "Only for hardware with one receive queue (and no way to get more) that takes 10,000 packets/s or more while "
         "the busiest CPU spends half of its time in interrupts. RPS then goes over the online CPUs on the NIC's NUMA "
         "node, isolated ones left out. An idle guest with one queue is left alone.",
         "Documentation/networking/scaling.rst; net/core/dev.c get_rps_cpu", judge_single_queue},
    Rule{"rps-beside-rss", "Does RPS repeat what the NIC's own hash has done?",
         "RPS masks on hardware with at least one queue for each nearby CPU, unless RFS uses them. Measured where "
         "RPS woke other CPUs between the samples, else a convention.",
         "Documentation/networking/scaling.rst", judge_rps_beside_rss},
    Rule{"rfs-half-configured", "Is RFS switched on in one of its two places only?",
         "rps_sock_flow_entries without any rps_flow_cnt, or the other way round. Each queue gets its share of the "
         "host's table.",
         "Documentation/networking/scaling.rst; net/core/dev.c get_rps_cpu", judge_half_rfs},
    Rule{"xps-incomplete", "Do CPUs that send much share transmit queues without need?",
         "Only from 100,000 sent packets/s on, on hardware with several transmit queues: CPUs in no queue's xps_cpus. "
         "Drivers that set XPS themselves for all CPUs are never named.",
         "Documentation/networking/scaling.rst; net/core/dev.c netdev_pick_tx", judge_xps},
};

} // namespace

std::span<const Rule> softirq_steering_rules() { return steering_rules; }

} // namespace netwright::advise
