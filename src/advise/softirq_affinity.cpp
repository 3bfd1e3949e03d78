// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about steering in software against the topology: nodes, the CPU behind a queue, the size of flow tables.
#include "advise/interrupt_words.h"
#include "advise/softirq_rules.h"
#include "advise/steering.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace netwright::advise {
namespace {

std::string attribute(const Nic& nic, const Queue& queue, std::string_view name)
{
    return fmt::format("/sys/class/net/{}/queues/{}/{}", nic.name, queue.name, name);
}

// ── RPS on another node ───────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_rps_remote(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !about.host.topology) return std::vector<Finding>{};
    const PlacementQuestion question = question_for(nic, *about.host.nics, *about.host.topology);
    const CpuSet near = question.near & question.usable;
    if (question.near.empty() || near.count() < 2) return std::vector<Finding>{};
    Finding finding = finding_of(is_busy(nic, about) ? Severity::Medium : Severity::Low, Confidence::Derived,
                                 fmt::format("RPS sends packets of {} to another NUMA node", nic.name));
    for (const Queue* queue : queues_of(nic, "rx")) {
        if (!queue->cpus || (*queue->cpus - question.near).empty()) continue;
        const CpuSet kept = *queue->cpus & question.near;
        finding.evidence.push_back(
            {attribute(nic, *queue, "rps_cpus"),
             fmt::format("CPUs {}, of which {} are far", queue->cpus->list(), (*queue->cpus - question.near).list())});
        std::ranges::move(set_queue(nic, *queue, QueueSetting::What::RpsCpus, *queue->cpus, kept.empty() ? near : kept,
                                    fmt::format("only CPUs of node {}", *nic.node)),
                          std::back_inserter(finding.remedy));
    }
    if (finding.evidence.empty()) return std::vector<Finding>{};
    finding.why = "The packets lie in the memory of the NIC's node. A CPU of another node that RPS wakes reads each of "
                  "them over the link between the sockets, and is woken across it.";
    finding.cost = "More time for each packet, and inter-processor interrupts between sockets.";
    finding.risk = Risk::Low;
    finding.side_effects = "fewer CPUs share the work: the near ones need room for it";
    return std::vector{std::move(finding)};
}

// ── XPS away from the interrupt ───────────────────────────────────────────────────────────────────────────────────

// The CPU that takes each transmit queue's interrupt; empty unless all are known.
std::vector<unsigned> completion_cpus(const Nic& nic, std::size_t queues)
{
    std::vector<std::optional<unsigned>> known(queues);
    for (const PlacedVector& each : placed_vectors(nic)) {
        const bool sends = each.vector.traffic != Traffic::Receive;
        if (sends && each.vector.queue < queues && each.cpus().count() == 1)
            known[each.vector.queue] = each.cpus().members().front();
    }
    std::vector<unsigned> cpus;
    for (const auto& cpu : known)
        if (cpu) cpus.push_back(*cpu);
    return cpus.size() == queues ? cpus : std::vector<unsigned>{};
}

bool sends_much(const Nic& nic, const Case& about)
{
    const auto packets = statistic(nic, "tx_packets");
    return packets && about.host.interval.count() != 0 &&
           static_cast<double>(packets->growth) * 1000 >= busy_rate * static_cast<double>(about.host.interval.count());
}

Opinion judge_xps_apart(const Nic& nic, const Case& about)
{
    const auto queues = queues_of(nic, "tx");
    if (!working_hardware(nic) || queues.size() < 2 || !sends_much(nic, about)) return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    if (!nic.interrupts) return without(nic.interrupts.error());
    for (const Queue* queue : queues)
        if (!queue->cpus) return without(queue->cpus.error());
    const auto cpus = completion_cpus(nic, queues.size());
    if (cpus.empty()) return std::vector<Finding>{};
    const auto wanted = transmit_sets(*about.host.topology, cpus);

    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("CPUs send through queues of {} that other CPUs clean up", nic.name));
    std::size_t apart = 0;
    for (std::size_t i = 0; i < queues.size(); ++i) {
        CpuSet own;
        own.add(cpus[i]);
        // No XPS at all is the business of xps-incomplete.
        if (queues[i]->cpus->empty() || !(*queues[i]->cpus & own).empty() || wanted[i].empty()) continue;
        ++apart;
        if (finding.evidence.size() < 4)
            finding.evidence.push_back(
                {attribute(nic, *queues[i], "xps_cpus"),
                 fmt::format("CPUs {}, its interrupt goes to {}", queues[i]->cpus->list(), cpus[i])});
    }
    if (apart == 0) return std::vector<Finding>{};
    for (std::size_t i = 0; i < queues.size(); ++i)
        std::ranges::move(set_queue(nic, *queues[i], QueueSetting::What::XpsCpus, *queues[i]->cpus, wanted[i],
                                    fmt::format("its interrupt goes to CPU {}", cpus[i])),
                          std::back_inserter(finding.remedy));
    finding.why =
        "Sent packets are freed where the queue's interrupt goes. When that is not the CPU that sent them, each "
        "buffer's memory crosses from cache to cache, and the queue's lock with it.";
    finding.cost = "Cache misses for each packet sent.";
    finding.risk = Risk::Low;
    finding.side_effects = "a flow moves to another queue once its old packets have left";
    return std::vector{std::move(finding)};
}

// ── flow tables ───────────────────────────────────────────────────────────────────────────────────────────────────

std::uint64_t established(const Case& about)
{
    if (about.intent.connections && about.intent.connections->given) return about.intent.connections->value;
    if (!about.host.sockets) return 0;
    for (const StateCount& state : about.host.sockets->tcp_states)
        if (state.state == "established") return state.count;
    return 0;
}

void share_flow_table(Finding& finding, const Nic& nic, const FlowTableSizes& sizes)
{
    for (const Queue* queue : queues_of(nic, "rx")) {
        if (!queue->flow_count || *queue->flow_count >= static_cast<std::uint64_t>(sizes.per_queue)) continue;
        std::ranges::move(set_queue(nic, *queue, QueueSetting::What::RpsFlowCount,
                                    static_cast<std::int64_t>(*queue->flow_count), sizes.per_queue,
                                    fmt::format("{} entries / {} queues", sizes.host, queues_of(nic, "rx").size())),
                          std::back_inserter(finding.remedy));
    }
}

bool follows(const Nic& nic)
{
    return working_hardware(nic) && std::ranges::any_of(queues_of(nic, "rx"), [](const Queue* queue) {
               return queue->flow_count && *queue->flow_count != 0;
           });
}

Opinion judge_small_table(const Case& about)
{
    const auto entries = about.host.sysctls.number("net.core.rps_sock_flow_entries");
    if (!entries) return without(entries.error()); // a child namespace does not show it
    if (!about.host.nics) return std::unexpected(about.host.nics.error());
    const std::uint64_t flows = established(about);
    const bool on = *entries != 0 && std::ranges::any_of(*about.host.nics, follows);
    if (!on || flows <= static_cast<std::uint64_t>(*entries)) return std::vector<Finding>{};

    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("The table that RFS follows {} connections with has {} entries",
                                             grouped(flows), grouped(static_cast<std::uint64_t>(*entries))));
    note(finding, sysctl_evidence(about, "net.core.rps_sock_flow_entries"));
    finding.evidence.push_back({"TCP connections established", grouped(flows)});
    finding.why = "The table is indexed by a hash. With more flows than entries, flows overwrite each other's CPU, and "
                  "packets are sent to where another flow's application runs.";
    finding.cost = "Packets wander between CPUs: cold caches, and reordering while they do.";
    const std::int64_t host = flow_table_sizes(flows, 1).host;
    propose(finding, raise_sysctl(about, "rfs-table-small", "net.core.rps_sock_flow_entries", host,
                                  fmt::format("{} connections, in a power of two", grouped(flows))));
    for (const Nic& nic : *about.host.nics)
        if (follows(nic)) share_flow_table(finding, nic, flow_table_sizes(flows, queues_of(nic, "rx").size()));
    finding.risk = Risk::Low;
    finding.side_effects = "4 bytes of kernel memory for each entry, 8 or more for each of a queue's";
    return std::vector{std::move(finding)};
}

constexpr std::array affinity_rules{
    Rule{"rps-remote-node", "Does RPS use CPUs of another NUMA node than the NIC's?",
         "Hosts with several nodes, at least two usable CPUs on the NIC's. Medium from 10,000 packets/s, else Low.",
         "Documentation/networking/scaling.rst, RPS: Suggested Configuration", judge_rps_remote},
    Rule{"xps-apart-from-interrupt", "Do CPUs send through queues whose interrupts other CPUs take?",
         "Hardware with several transmit queues that sends 10,000 packets/s, XPS set, each queue's interrupt on one "
         "CPU that the names tell. A queue whose XPS set holds that CPU is right.",
         "Documentation/networking/scaling.rst, XPS", judge_xps_apart},
    Rule{"rfs-table-small", "Are there more connections than RFS has entries for?",
         "RFS on in both places; established connections, or those the intent names, against rps_sock_flow_entries.",
         "Documentation/networking/scaling.rst, RFS; net/core/dev.c get_rps_cpu", judge_small_table},
};

} // namespace

std::span<const Rule> softirq_affinity_rules() { return affinity_rules; }

} // namespace netwright::advise
