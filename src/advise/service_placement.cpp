// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about where the programs run that serve a NIC's traffic: on its node, and not on the CPUs its interrupts fill.
#include "advise/interrupt_words.h"
#include "advise/service_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace netwright::advise {
namespace {

std::string name_of(const ProcessLimits& process) { return fmt::format("{} ({})", process.command, process.pid); }

Evidence allowed_evidence(const ProcessLimits& process)
{
    return {fmt::format("/proc/{}/status Cpus_allowed_list", process.pid), process.cpus_allowed->list()};
}

// One for each command: a server's workers share their service.
std::vector<const ProcessLimits*> servers(const std::vector<ProcessLimits>& processes)
{
    std::vector<const ProcessLimits*> all;
    std::set<std::pair<std::string, std::string>> known;
    for (const ProcessLimits& process : processes)
        if (process.cpus_allowed && !process.cpus_allowed->empty() &&
            known.emplace(process.command, process.cpus_allowed->list()).second)
            all.push_back(&process);
    return all;
}

void propose_cpus(Finding& finding, const Case& about, const ProcessLimits& process, const CpuSet& cpus,
                  std::string why)
{
    if (const std::string unit = service_of(process); !unit.empty()) {
        if (auto change = set_service(about, process, ServiceSetting::What::CpuAffinity, cpus, std::move(why)))
            finding.remedy.push_back(*std::move(change));
        finding.advice.push_back(restart_advice(unit));
        finding.advice.push_back(
            fmt::format("To try it on the running process: taskset -acp {} {}", cpus.list(), process.pid));
    } else {
        finding.advice.push_back(fmt::format("taskset -acp {} {}", cpus.list(), process.pid));
    }
}

// ── another node ──────────────────────────────────────────────────────────────────────────────────────────────────

// The NIC that takes most of the packets, if its node is known.
const Nic* main_nic(const Case& about)
{
    const Nic* most = nullptr;
    for (const Nic& nic : *about.host.nics)
        if (working_hardware(nic) && receive_rate(nic, about.host.interval) &&
            (most == nullptr || *receive_rate(nic, about.host.interval) > *receive_rate(*most, about.host.interval)))
            most = &nic;
    const bool known = most && most->node && *most->node >= 0 && most->local_cpus && !most->local_cpus->empty();
    return known ? most : nullptr;
}

Finding remote_server(const Case& about, const ProcessLimits& process, const Nic& nic, const CpuSet& near)
{
    Finding finding = finding_of(Severity::Medium, Confidence::Derived,
                                 fmt::format("{} runs on another NUMA node than {}", process.command, nic.name));
    finding.subject = name_of(process);
    finding.evidence = {
        allowed_evidence(process),
        {fmt::format("{} is on NUMA node {}", nic.name, *nic.node), fmt::format("CPUs {}", nic.local_cpus->list())},
        {fmt::format("{} rx_packets", nic.name),
         fmt::format("{:.0f} packets/s", receive_rate(nic, about.host.interval).value_or(0))}};
    finding.why = "The kernel writes what a NIC receives into the memory of its node. A program that may only run on "
                  "another node reads every byte over the link between the sockets, and its own memory lies there too.";
    finding.cost = "Bandwidth of that link, and latency for each read.";
    propose_cpus(finding, about, process, near, fmt::format("the CPUs of node {}, where {} is", *nic.node, nic.name));
    finding.risk = Risk::Low;
    finding.side_effects = "the service gets other CPUs, and shares them with the NIC's interrupts; its memory is near "
                           "only after a restart";
    return finding;
}

Opinion judge_remote_server(const Case& about)
{
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    if (about.host.topology->nodes.size() < 2) return std::vector<Finding>{};
    if (!about.host.nics) return std::unexpected(about.host.nics.error());
    if (!about.host.listening_processes) return std::unexpected(about.host.listening_processes.error());
    const Nic* nic = main_nic(about);
    if (nic == nullptr || !is_busy(*nic, about)) return std::vector<Finding>{};
    const CpuSet near = usable_cpus(*about.host.topology) & *nic->local_cpus;
    std::vector<Finding> findings;
    for (const ProcessLimits* process : servers(*about.host.listening_processes))
        if (!near.empty() && (*process->cpus_allowed & *nic->local_cpus).empty())
            findings.push_back(remote_server(about, *process, *nic, near));
    return findings;
}

// ── beside hot interrupts ─────────────────────────────────────────────────────────────────────────────────────────

CpuSet cpus_full_of_interrupts(const Case& about)
{
    CpuSet full;
    for (const CpuLoad& load : cpu_loads(about))
        if (load.interrupts >= nearly_full_share) full.add(load.cpu);
    return full;
}

Finding crowded_server(const Case& about, const ProcessLimits& process, const CpuSet& full, const CpuSet& free)
{
    Finding finding = finding_of(Severity::Medium, Confidence::Measured,
                                 fmt::format("{} may only run where interrupts take nearly all time", process.command));
    finding.subject = name_of(process);
    finding.evidence = {allowed_evidence(process)};
    for (const CpuLoad& load : cpu_loads(about))
        if (process.cpus_allowed->contains(load.cpu) && finding.evidence.size() < 5)
            finding.evidence.push_back(load_evidence(load, about.host.interval));
    finding.why = "Softirqs go before programs. A program that is bound to CPUs full of them gets what is left, while "
                  "its packets pile up in socket buffers.";
    finding.cost = "The program is slow although the host has idle CPUs.";
    propose_cpus(finding, about, process, free, fmt::format("CPUs {} are full of interrupts", full.list()));
    finding.risk = Risk::Low;
    finding.side_effects = "the program no longer runs where its packets arrive: their data crosses caches";
    return finding;
}

Opinion judge_crowded_server(const Case& about)
{
    const CpuSet full = cpus_full_of_interrupts(about);
    if (full.empty()) return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    if (!about.host.listening_processes) return std::unexpected(about.host.listening_processes.error());
    const CpuSet free = usable_cpus(*about.host.topology) - full;
    std::vector<Finding> findings;
    for (const ProcessLimits* process : servers(*about.host.listening_processes))
        if (!free.empty() && (*process->cpus_allowed - full).empty())
            findings.push_back(crowded_server(about, *process, full, free));
    return findings;
}

constexpr std::array rules{
    Rule{"server-on-remote-node", "May a server only run on another NUMA node than the NIC that brings its traffic?",
         "Hosts with several nodes; the NIC with the highest packet rate, from 10,000 packets/s on; processes with "
         "listening sockets whose allowed CPUs hold none of its node. Processes that may run on both are left to the "
         "scheduler.",
         "Documentation/admin-guide/mm/numaperf.rst; systemd.exec(5) CPUAffinity=", judge_remote_server},
    Rule{"server-beside-hot-interrupts", "May a server only run on CPUs that interrupts fill?",
         "Processes with listening sockets whose every allowed CPU spends 80 % of the time between the samples in "
         "interrupts, while other CPUs that may be used do not.",
         "Documentation/networking/scaling.rst; systemd.exec(5) CPUAffinity=", judge_crowded_server},
};

} // namespace

std::span<const Rule> service_placement_rules() { return rules; }

} // namespace netwright::advise
