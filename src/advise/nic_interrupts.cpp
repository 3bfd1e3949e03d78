// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about where a NIC's queue interrupts go: CPUs, hyper-threads, NUMA nodes, and who places them.
#include "advise/interrupt_words.h"
#include "advise/nic_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace netwright::advise {
namespace {

constexpr double high_rate = 100'000; // packets/s from which caches and memory of a remote node are felt

Severity by_rate(const Nic& nic, const Case& about)
{
    const double rate = receive_rate(nic, about.host.interval).value_or(0);
    return rate >= high_rate ? Severity::Medium : rate >= busy_rate ? Severity::Low : Severity::Info;
}

constexpr std::string_view affinity_source = "/proc/irq/*/effective_affinity_list";
constexpr std::string_view moved_once = "packets of running flows may be reordered once, when an interrupt moves";

Finding interrupt_finding(Severity severity, std::string title, const std::vector<PlacedVector>& vectors)
{
    Finding finding = finding_of(severity, Confidence::Derived, std::move(title));
    finding.evidence = {{std::string(affinity_source), list_of(vectors)}};
    finding.risk = Risk::Low;
    finding.side_effects = moved_once;
    return finding;
}

// ── one CPU ───────────────────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_one_cpu(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || queues_of(nic, "rx").size() < 2) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    const auto vectors = placed_vectors(nic);
    if (vectors.size() < 2 || vectors.front().cpus().count() != 1) return std::vector<Finding>{};
    const CpuSet only = vectors.front().cpus();
    if (!std::ranges::all_of(vectors, [&](const PlacedVector& each) { return each.cpus() == only; }))
        return std::vector<Finding>{};
    if (about.host.topology && nearby_cpus(nic, *about.host.topology).count() < 2) return std::vector<Finding>{};

    const auto load = busiest(about);
    const bool felt = is_busy(nic, about);
    Finding finding = interrupt_finding(
        felt ? by_load(load) : Severity::Info,
        fmt::format("All {} queue interrupts of {} go to CPU {}", vectors.size(), nic.name, only.list()), vectors);
    finding.confidence = felt ? Confidence::Measured : Confidence::Derived;
    if (load) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    finding.why = "The NIC spreads flows over its queues, and one CPU collects them all again.";
    finding.cost = felt ? "That CPU bounds the receive rate." : "None that could be seen at this load.";
    propose_placement(finding, nic, about);
    return std::vector{std::move(finding)};
}

// ── another node ──────────────────────────────────────────────────────────────────────────────────────────────────

bool node_known(const Nic& nic, const Case& about)
{
    return about.host.topology && about.host.topology->nodes.size() > 1 && nic.node && *nic.node >= 0 &&
           nic.local_cpus && !nic.local_cpus->empty();
}

std::size_t queues_in(const std::vector<PlacedVector>& vectors)
{
    std::set<std::uint32_t> queues;
    for (const PlacedVector& each : vectors)
        queues.insert(each.vector.queue);
    return queues.size();
}

Opinion judge_remote_node(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !node_known(nic, about)) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    auto vectors = placed_vectors(nic);
    const std::size_t all = vectors.size();
    // With more queues than CPUs that may be used here, the others have to go somewhere else.
    const CpuSet near = usable_cpus(*about.host.topology) & *nic.local_cpus;
    const std::size_t queues = queues_in(vectors), spill = queues > near.count() ? queues - near.count() : 0;
    std::erase_if(vectors, [&](const PlacedVector& each) { return !(each.cpus() & *nic.local_cpus).empty(); });
    if (near.empty() || queues_in(vectors) <= spill) return std::vector<Finding>{};

    Finding finding = interrupt_finding(
        by_rate(nic, about),
        fmt::format("{} of {} queue interrupts of {} go to another NUMA node", vectors.size(), all, nic.name), vectors);
    finding.evidence.push_back(
        {fmt::format("{} is on NUMA node {}", nic.name, *nic.node), fmt::format("CPUs {}", nic.local_cpus->list())});
    finding.why = "Descriptors and packets lie in the memory of the NIC's node; each access from another node crosses "
                  "the link between the sockets.";
    finding.cost = "More time for each packet, and a shared link that fills up.";
    finding.side_effects = "the near node does all the receive work: leave it room";
    propose_placement(finding, nic, about);
    return std::vector{std::move(finding)};
}

// ── hyper-threads ─────────────────────────────────────────────────────────────────────────────────────────────────

using Load = std::map<unsigned, std::size_t>; // queues a CPU, or a core by its lowest CPU

Load core_load(const Topology& topology, const std::vector<unsigned>& cpus, const CpuSet& usable)
{
    Load load;
    for (const Cpu& cpu : topology.cpus)
        if (const CpuSet threads = cpu.siblings & usable; !threads.empty()) load[cpu.siblings.members().front()] += 0;
    for (const unsigned number : cpus) {
        const auto cpu = std::ranges::find(topology.cpus, number, &Cpu::number);
        if (cpu != topology.cpus.end()) ++load[cpu->siblings.members().front()];
    }
    return load;
}

CpuSet near_and_usable(const Nic& nic, const Topology& topology)
{
    return usable_cpus(topology) & nearby_cpus(nic, topology);
}

Opinion judge_shared_core(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    const Topology& topology = *about.host.topology;
    const auto vectors = placed_vectors(nic);
    const Load load = core_load(topology, queue_cpus(vectors), near_and_usable(nic, topology));
    const auto crowded = std::ranges::count_if(load, [](const auto& core) { return core.second > 1; });
    const auto idle = std::ranges::count_if(load, [](const auto& core) { return core.second == 0; });
    const bool threads = std::ranges::any_of(topology.cpus, [](const Cpu& cpu) { return cpu.siblings.count() > 1; });
    if (!threads || crowded == 0 || idle == 0) return std::vector<Finding>{};

    Finding finding = interrupt_finding(
        by_rate(nic, about),
        fmt::format("{} cores serve several queues of {} while {} near cores serve none", crowded, nic.name, idle),
        vectors);
    finding.evidence.push_back({"/sys/devices/system/cpu/cpu*/topology/thread_siblings_list",
                                fmt::format("{} cores near the NIC, {} without a queue", load.size(), idle)});
    finding.why =
        "Hyper-threads of a core share its execution units and caches: two busy queues on one core get little "
        "more than one core's work done.";
    finding.cost = "Part of the near cores' capacity stays unused.";
    propose_placement(finding, nic, about);
    return std::vector{std::move(finding)};
}

// ── uneven ────────────────────────────────────────────────────────────────────────────────────────────────────────

Load cpu_load(const std::vector<unsigned>& cpus, const CpuSet& usable)
{
    Load load;
    for (const unsigned cpu : usable.members())
        load[cpu] = 0;
    for (const unsigned cpu : cpus)
        ++load[cpu];
    return load;
}

Opinion judge_uneven(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    const auto vectors = placed_vectors(nic);
    const auto cpus = queue_cpus(vectors);
    const Load load = cpu_load(cpus, near_and_usable(nic, *about.host.topology));
    if (load.empty() || cpus.empty()) return std::vector<Finding>{};
    const auto [least, most] = std::ranges::minmax_element(load, {}, [](const auto& cpu) { return cpu.second; });
    // All on one CPU is another rule's.
    if (most->second - least->second < 2 || most->second == cpus.size()) return std::vector<Finding>{};

    Finding finding = interrupt_finding(by_rate(nic, about),
                                        fmt::format("CPU {} serves {} queues of {}, CPU {} serves {}", most->first,
                                                    most->second, nic.name, least->first, least->second),
                                        vectors);
    const auto heat = busiest(about);
    if (heat) finding.evidence.push_back(load_evidence(*heat, about.host.interval));
    finding.why = "Flows are hashed evenly over the queues, so a CPU with several queues takes several shares.";
    finding.cost = "That CPU is full while others have room.";
    propose_placement(finding, nic, about);
    return std::vector{std::move(finding)};
}

// ── isolated CPUs ─────────────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_isolated(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    const Topology& topology = *about.host.topology;
    const CpuSet quiet = topology.isolated | topology.nohz_full;
    if (quiet.empty()) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    auto vectors = placed_vectors(nic);
    std::erase_if(vectors, [&](const PlacedVector& each) { return !(each.cpus() - quiet).empty(); });
    if (vectors.empty()) return std::vector<Finding>{};

    Finding finding = interrupt_finding(
        std::max(Severity::Low, by_rate(nic, about)),
        fmt::format("{} queue interrupts of {} go to CPUs that are kept quiet", vectors.size(), nic.name), vectors);
    finding.evidence.push_back(
        {"/sys/devices/system/cpu/isolated, nohz_full",
         fmt::format("isolated {}, nohz_full {}", topology.isolated.list(), topology.nohz_full.list())});
    finding.why = "Somebody took these CPUs away from the scheduler so that one program has them alone. Each packet "
                  "interrupts that program, and the softirq work follows.";
    finding.cost = "The latency that the isolation was to buy.";
    finding.advice = {"If the program on these CPUs polls this NIC itself, this is as it should be: protect it with "
                      "--protect 'irq/*'."};
    propose_placement(finding, nic, about);
    return std::vector{std::move(finding)};
}

// ── pairs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_split_pair(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    const auto vectors = placed_vectors(nic);
    std::vector<PlacedVector> split;
    for (std::size_t i = 1; i < vectors.size(); ++i) {
        const PlacedVector &one = vectors[i - 1], &other = vectors[i];
        const bool pair = one.vector.queue == other.vector.queue && one.vector.traffic != other.vector.traffic;
        if (pair && (one.cpus() & other.cpus()).empty()) split.insert(split.end(), {one, other});
    }
    // The only pair of a single-queue card may well use two CPUs: there is no other queue to keep the second one busy.
    const bool single = std::ranges::all_of(
        vectors, [&](const PlacedVector& each) { return each.vector.queue == vectors.front().vector.queue; });
    if (split.empty() || single) return std::vector<Finding>{};

    Finding finding = interrupt_finding(
        std::min(Severity::Low, by_rate(nic, about)),
        fmt::format("{} queues of {} send on one CPU and receive on another", split.size() / 2, nic.name), split);
    finding.why =
        "A connection's acknowledgements arrive where its data leaves: with both interrupts of a queue on one "
        "CPU, the socket's memory stays in that CPU's cache.";
    finding.cost = "Cache lines that travel between CPUs for each acknowledgement.";
    propose_placement(finding, nic, about);
    return std::vector{std::move(finding)};
}

// ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_unknown(const Nic& nic, const Case&)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.interrupts) return without(nic.interrupts.error());
    const NicVectors vectors = vectors_of(nic);
    if (vectors.unknown.empty()) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Info, Confidence::Convention,
                   fmt::format("{} interrupts of {} have names nobody here knows", vectors.unknown.size(), nic.name));
    for (const NicInterrupt* each : vectors.unknown)
        if (finding.evidence.size() < 4)
            finding.evidence.push_back({fmt::format("/proc/interrupts {}", each->irq), each->action});
    finding.why =
        "Only the name tells which queue an interrupt serves. What it does not tell, netwright does not guess: "
        "these interrupts are left where they are.";
    finding.cost = "None by itself; their queues are not placed.";
    finding.advice = {fmt::format("tell us the driver ({}) and the names, so that they can be added",
                                  nic.driver.value_or("unknown"))};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

// ── irqbalance ────────────────────────────────────────────────────────────────────────────────────────────────────

// Interrupt i on CPU base+i and nowhere else: what pinning scripts leave behind, and what drivers suggest at start.
bool pinned_in_order(const std::vector<PlacedVector>& vectors)
{
    if (vectors.size() < 4) return false;
    const auto asked = [&](std::size_t i) -> std::optional<unsigned> {
        const auto& set = vectors[i].interrupt->affinity;
        return set && set->count() == 1 ? std::optional(set->members().front()) : std::nullopt;
    };
    const auto first = asked(0);
    for (std::size_t i = 0; i < vectors.size(); ++i)
        if (const auto cpu = asked(i); !first || !cpu || *cpu != *first + i) return false;
    return true;
}

Opinion judge_two_masters(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !nic.interrupts || !about.host.services) return std::vector<Finding>{};
    const auto vectors = placed_vectors(nic);
    if (!runs(about, "irqbalance") || !pinned_in_order(vectors)) return std::vector<Finding>{};
    const InterruptPolicy policy = policy_for(nic, about);
    if (policy.hand == InterruptPolicy::Hand::Ours) return std::vector<Finding>{}; // banned already

    Finding finding =
        finding_of(Severity::Info, Confidence::Convention,
                   fmt::format("The interrupts of {} look pinned by hand, and irqbalance runs", nic.name));
    finding.evidence = {{"/proc/irq/*/smp_affinity_list", list_of(vectors)},
                        {"irqbalance", "running, none of them banned"}};
    finding.why = "irqbalance moves interrupts as it sees fit and undoes what a script has set, sooner or later.";
    finding.cost = "A placement that was chosen with care does not last.";
    finding.remedy = policy.ban;
    finding.advice = {policy.words};
    finding.side_effects = "irqbalance restarts; the numbers of interrupts may be others after the next boot";
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

constexpr std::string_view affinity_document = "Documentation/core-api/irq/irq-affinity.rst";

constexpr std::array rules{
    Rule{"nic-interrupts-on-one-cpu", "Do the interrupts of several queues all go to one CPU?",
         "Hardware with two or more receive queues whose packet interrupts all have the same single effective CPU. "
         "Info while less than 10,000 packets/s come in; else by the busiest CPU's load. Interrupts for configuration "
         "and events do not count. The plan places every queue, or leaves that to irqbalance where it runs, and says "
         "which.",
         affinity_document, judge_one_cpu},
    Rule{"nic-interrupts-remote", "Do interrupts go to another NUMA node than the NIC's?",
         "Hosts with several nodes, NICs whose node the firmware tells. Medium from 100,000 packets/s, Low from "
         "10,000, else Info. NICs with more queues than their node has CPUs may spill over.",
         "Documentation/networking/scaling.rst; Documentation/core-api/irq/irq-affinity.rst", judge_remote_node},
    Rule{"nic-interrupts-share-core", "Do hyper-threads of one core serve several queues while near cores serve none?",
         "Queue interrupts with one CPU each, counted by core; only cores on the NIC's node that interrupts may use. "
         "Severity by the packet rate, as for nic-interrupts-remote.",
         "Documentation/networking/scaling.rst", judge_shared_core},
    Rule{"nic-interrupts-uneven", "Does one CPU serve two queues more than another near CPU?",
         "Queue interrupts with one CPU each. A difference of one cannot be avoided; all on one CPU is "
         "nic-interrupts-on-one-cpu.",
         affinity_document, judge_uneven},
    Rule{"nic-interrupts-isolated", "Do queue interrupts go to isolated or nohz_full CPUs?",
         "Interrupts whose every CPU is isolated (isolcpus=) or nohz_full. Low at least: somebody asked for quiet.",
         "Documentation/admin-guide/kernel-parameters.txt isolcpus, nohz_full", judge_isolated},
    Rule{"nic-interrupts-split-pair", "Do receive and transmit interrupts of one queue go to different CPUs?",
         "Drivers with an interrupt for each direction (virtio, vmxnet3, gve, e1000e). At most Low.",
         "Documentation/networking/scaling.rst, XPS", judge_split_pair},
    Rule{"nic-interrupts-unknown", "Are there interrupts whose queue nobody knows?",
         "Names that no driver in src/advise/vector_name.cpp gives. They are reported and left alone.",
         "src/advise/vector_name.cpp", judge_unknown},
    Rule{"irqbalance-beside-pinning", "Do irqbalance and hand-made pinning both place this NIC's interrupts?",
         "Four or more interrupts, each on one CPU in rising order, while irqbalance runs without a ban list or "
         "policy script. Drivers leave the same pattern at start, so this is a convention (Info).",
         "irqbalance(1)", judge_two_masters},
};

} // namespace

std::span<const Rule> nic_interrupt_rules() { return rules; }

} // namespace netwright::advise
