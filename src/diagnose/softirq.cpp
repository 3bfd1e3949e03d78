// SPDX-License-Identifier: GPL-2.0-or-later
// Between driver and protocol: per-CPU backlogs, softirq budgets, CPUs that do all the work or stand on the wrong node.
#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "diagnose/cause.h"

namespace netwright::diagnose {
namespace {

constexpr double squeezes_a_packet = 1e-3; // ordinary busy hosts stay around 1e-7
constexpr std::uint64_t full_percent = 80; // of a CPU's time in softirq
constexpr double ticks_per_second = 100;   // USER_HZ, as /proc/stat counts

// softnet_stat is the whole host's: inside a namespace only the drop reason says whose packets they were.
bool told_by_reasons(const Scene& scene)
{
    return scene.drops && scene.now.surroundings.network_namespace.value_or("init") != "init";
}

Sightings look_backlog(const Scene& scene, const Cause& cause)
{
    if (!scene.now.softnet) return std::unexpected(scene.now.softnet.error());
    Sighting sighting = counted(scene, cause);
    std::uint64_t sum = 0;
    for (const SoftnetCpu& one : *scene.now.softnet) {
        const std::uint64_t full = one.dropped.growth - std::min(one.dropped.growth, one.flow_limit.growth);
        if (full == 0) continue;
        sum += full;
        sighting.evidence.push_back(
            {fmt::format("/proc/net/softnet_stat CPU {}, dropped (the whole host's)", one.cpu), in_time(scene, full)});
    }
    if (!told_by_reasons(scene)) sighting.events = std::max(sighting.events, sum);
    if (sighting.events == 0) return std::vector<Sighting>{};
    sighting.evidence.push_back(sysctl_seen(scene, "net.core.netdev_max_backlog"));
    sighting.remedy = raise_sysctl(scene, cause, "net.core.netdev_max_backlog", 2000, "room for bursts");
    return std::vector{std::move(sighting)};
}

Sightings look_flow_limit(const Scene& scene, const Cause&)
{
    if (!scene.now.softnet) return std::unexpected(scene.now.softnet.error());
    Sighting sighting;
    for (const SoftnetCpu& one : *scene.now.softnet) {
        if (one.flow_limit.growth == 0) continue;
        sighting.events += one.flow_limit.growth;
        sighting.evidence.push_back(
            {fmt::format("/proc/net/softnet_stat CPU {}, flow limit", one.cpu), in_time(scene, one.flow_limit.growth)});
    }
    // The kernel has one reason for both (enqueue_to_backlog in net/core/dev.c).
    if (told_by_reasons(scene)) sighting.events = std::min(sighting.events, dropped(scene, "CPU_BACKLOG"));
    if (sighting.events == 0) return std::vector<Sighting>{};
    return std::vector{std::move(sighting)};
}

struct Load {
    unsigned cpu = 0;
    double softirq = 0, idle = 0; // shares of the time we looked
};

std::vector<Load> loads(const Scene& scene)
{
    std::vector<Load> all;
    const double ticks = seconds(scene) * ticks_per_second;
    if (scene.now.cpu_times && ticks > 0)
        for (const CpuTimes& times : *scene.now.cpu_times)
            all.push_back({times.cpu, static_cast<double>(times.softirq.growth) / ticks,
                           static_cast<double>(times.idle.growth) / ticks});
    return all;
}

std::string percent(double share) { return fmt::format("{:.0f} %", share * 100); }

// Budgets that end early matter only on a CPU that softirqs fill: elsewhere the work goes on a moment later.
Sightings look_squeeze(const Scene& scene, const Cause&)
{
    if (!scene.now.softnet) return std::unexpected(scene.now.softnet.error());
    if (!scene.now.cpu_times) return std::unexpected(scene.now.cpu_times.error());
    std::vector<Sighting> seen;
    for (const Load& load : loads(scene)) {
        const auto found = std::ranges::find(*scene.now.softnet, load.cpu, &SoftnetCpu::cpu);
        if (found == scene.now.softnet->end() || load.softirq * 100 < full_percent) continue;
        const double share = static_cast<double>(found->time_squeeze.growth) /
                             static_cast<double>(std::max<std::uint64_t>(1, found->processed.growth));
        if (found->time_squeeze.growth == 0 || share < squeezes_a_packet) continue;
        Sighting sighting;
        sighting.events = found->time_squeeze.growth;
        sighting.victim = fmt::format("CPU {}", load.cpu);
        sighting.evidence = {
            {fmt::format("/proc/net/softnet_stat CPU {}, time_squeeze", load.cpu), in_time(scene, sighting.events)},
            {fmt::format("/proc/stat cpu{} softirq", load.cpu), percent(load.softirq)}};
        seen.push_back(std::move(sighting));
    }
    return seen;
}

Sightings look_one_cpu(const Scene& scene, const Cause&)
{
    if (!scene.now.cpu_times) return std::unexpected(scene.now.cpu_times.error());
    const auto all = loads(scene);
    std::vector<Sighting> seen;
    if (all.size() < 2) return seen;
    const double total =
        std::accumulate(all.begin(), all.end(), 0.0, [](double sum, const Load& one) { return sum + one.softirq; });
    for (const Load& load : all) {
        const double others = (total - load.softirq) / static_cast<double>(all.size() - 1);
        if (load.softirq * 100 < full_percent || others * 3 > load.softirq) continue;
        Sighting sighting;
        sighting.victim = fmt::format("CPU {}", load.cpu);
        sighting.evidence = {{fmt::format("/proc/stat cpu{} softirq", load.cpu), percent(load.softirq)},
                             {"the other CPUs, on average", percent(others)}};
        seen.push_back(std::move(sighting));
    }
    return seen;
}

Sightings look_steal(const Scene& scene, const Cause&)
{
    if (!scene.now.cpu_times) return std::unexpected(scene.now.cpu_times.error());
    std::uint64_t stolen = 0;
    for (const CpuTimes& times : *scene.now.cpu_times)
        stolen += times.steal.growth;
    const double share =
        static_cast<double>(stolen) / (seconds(scene) * ticks_per_second *
                                       static_cast<double>(std::max<std::size_t>(1, scene.now.cpu_times->size())));
    if (seconds(scene) <= 0 || share < 0.1) return std::vector<Sighting>{};
    Sighting sighting;
    sighting.victim = "all CPUs";
    sighting.evidence = {{"/proc/stat steal", percent(share)}};
    return std::vector{std::move(sighting)};
}

// Interrupts that grew on CPUs of another node than the NIC's.
Sightings look_remote_node(const Scene& scene, const Cause&)
{
    if (!scene.now.nics) return std::unexpected(scene.now.nics.error());
    if (!scene.now.topology) return std::unexpected(scene.now.topology.error());
    std::vector<Sighting> seen;
    if (scene.now.topology->nodes.size() < 2) return seen;
    for (const Nic& nic : *scene.now.nics) {
        if (!nic.node || *nic.node < 0 || !nic.local_cpus || !nic.interrupts) continue;
        for (const NicInterrupt& interrupt : *nic.interrupts) {
            if (!interrupt.effective || interrupt.effective->empty()) continue;
            const bool local = !(*interrupt.effective & *nic.local_cpus).empty();
            if (local) continue;
            Sighting sighting;
            sighting.victim = nic.name;
            sighting.evidence = {
                {fmt::format("/proc/irq/{}/effective_affinity_list ({})", interrupt.irq, interrupt.action),
                 interrupt.effective->list()},
                {fmt::format("CPUs of {}'s node {}", nic.name, *nic.node), nic.local_cpus->list()}};
            seen.push_back(std::move(sighting));
            break;
        }
    }
    return seen;
}

constexpr std::array causes{
    Cause{
        .id = "backlog-full",
        .layer = Layer::Softirq,
        .severity = Severity::High,
        .symptoms = drops | throughput | latency | cpu,
        .what = "full per-CPU backlogs",
        .unit = "packets dropped",
        .reasons = "CPU_BACKLOG",
        .look = look_backlog,
        .title = "Packets are dropped between driver and protocol: a CPU's backlog is full",
        .why =
            "Packets that RPS, veth, tunnels or loopback hand to a CPU wait in its backlog; that CPU does not keep up. "
            "Rings of real NICs do not pass through it.",
        .confirm = "cat /proc/net/softnet_stat   (2nd column grows, hex)\nmpstat -P ALL 1   (that CPU's %soft)",
        .advice = "spread first: more CPUs in rps_cpus, GRO, threaded NAPI, fewer firewall rules a packet\n"
                  "then net.core.netdev_max_backlog up to 10000, for bursts",
        .cost = "a longer backlog is delay when the CPU stays too slow"},
    Cause{
        .id = "flow-limit",
        .layer = Layer::Softirq,
        .symptoms = drops | throughput,
        .what = "the flow limit of backlogs",
        .unit = "packets dropped",
        .look = look_flow_limit,
        .because_of = "backlog-full",
        .title = "One large flow is held back by the flow limit",
        .why =
            "flow_limit_cpu_bitmap is set: on a half-full backlog the kernel drops packets of the flow that fills it.",
        .confirm = "cat /proc/net/softnet_stat   (11th column)\nsysctl net.core.flow_limit_cpu_bitmap",
        .advice = "it protects the others; clear the bitmap if this flow matters more",
        .cost = "one flow can then starve the others"},
    Cause{.id = "softirq-budget",
          .layer = Layer::Softirq,
          .symptoms = latency | cpu | throughput,
          .what = "softirqs that run out of their budget",
          .unit = "times the budget ended early",
          .look = look_squeeze,
          .title = "A CPU's network softirq never finishes within its budget",
          .why =
              "It handles netdev_budget packets or netdev_budget_usecs at a time, then gives way; work was left every "
              "time, and the CPU does little else.",
          .confirm = "cat /proc/net/softnet_stat   (3rd column)\nmpstat -P ALL 1",
          .advice = "spread the load over CPUs first; then double net.core.netdev_budget and netdev_budget_usecs",
          .cost = "programs on that CPU wait longer",
          .no_use = "squeezes on a CPU with time to spare mean nothing"},
    Cause{.id = "one-cpu-full",
          .layer = Layer::Softirq,
          .severity = Severity::High,
          .symptoms = cpu | throughput | latency | drops,
          .what = "one CPU that does all network work",
          .unit = "",
          .look = look_one_cpu,
          .title = "One CPU does nearly all network work and is full",
          .why = "One queue, all interrupts on one CPU, few flows, or hashing that does not tell flows apart.",
          .confirm =
              "mpstat -P ALL 1   (%soft)\ngrep . /proc/irq/*/effective_affinity_list; ethtool -l DEV; ethtool -x DEV",
          .advice = "more queues, interrupts on different CPUs; RPS where the NIC has one queue\n"
                    "UDP with one pair of addresses: hash ports too (ethtool -N DEV rx-flow-hash udp4 sdfn)",
          .cost = "RPS costs an interrupt between CPUs for each batch"},
    Cause{.id = "cpu-stolen",
          .layer = Layer::Softirq,
          .symptoms = cpu | latency,
          .what = "CPU time taken by the hypervisor",
          .unit = "",
          .look = look_steal,
          .title = "The hypervisor takes CPU time away",
          .why = "While a virtual CPU does not run, its rings fill and its timers are late.",
          .confirm = "mpstat -P ALL 1   (%steal)",
          .advice = "a larger or dedicated instance",
          .cost = "money"},
    Cause{.id = "remote-node",
          .layer = Layer::Softirq,
          .symptoms = numa | cpu | latency,
          .what = "interrupts on the wrong NUMA node",
          .unit = "",
          .look = look_remote_node,
          .title = "A NIC's interrupts run on another NUMA node than the NIC",
          .why = "Every packet then crosses the link between the nodes, and its memory lies on the far side.",
          .confirm = "cat /sys/class/net/DEV/device/numa_node; cat /proc/irq/N/effective_affinity_list",
          .advice = "bind its interrupts to CPUs of its node (netwright set irq/N/affinity), and the programs too",
          .cost = "only that node's CPUs serve this NIC"},
};

} // namespace

std::span<const Cause> softirq_causes() { return causes; }

} // namespace netwright::diagnose
