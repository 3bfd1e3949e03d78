// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about CPUs that save power where somebody said that latency counts: frequency governors and idle states.
#include "advise/interrupt_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

// Waking up from a state takes its exit latency, and every packet may find its CPU asleep. What a wake-up may take
// where microseconds count: as long as a packet's whole way through the stack.
constexpr std::uint64_t deep_us = 20;

bool wants_latency(const Case& about) { return said(about, {Workload::LowLatency, Workload::Game, Workload::Voip}); }

// The CPUs that packets wake: those that take queue interrupts; where none were seen, all that interrupts may use.
CpuSet woken_by_packets(const Case& about)
{
    CpuSet cpus;
    if (about.host.nics)
        for (const Nic& nic : *about.host.nics)
            if (working_hardware(nic))
                for (const PlacedVector& each : placed_vectors(nic))
                    cpus = cpus | each.cpus();
    const CpuSet usable = usable_cpus(*about.host.topology);
    return (cpus & usable).empty() ? usable : cpus & usable;
}

Change change_cpu(CpuSetting cpu, std::string from, std::string to, std::string why)
{
    Change change;
    change.tunable = cpu;
    change.from = std::move(from);
    change.to = std::move(to);
    change.why = std::move(why);
    change.risk = Risk::Low;
    change.reach = Reach::Host;
    return change;
}

// ── governor ──────────────────────────────────────────────────────────────────────────────────────────────────────

// intel_pstate and amd-pstate in active mode call their own dynamic governor "powersave": it ramps up by itself, only
// later than "performance". The generic governors of those names stay low, or step up one rung at a time.
bool slow_governor(const CpuPower& power)
{
    return power.governor && (*power.governor == "powersave" || *power.governor == "conservative");
}

Opinion judge_governor(const Case& about)
{
    if (!wants_latency(about)) return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    if (!about.host.topology->power) return without(about.host.topology->power.error());
    const CpuSet woken = woken_by_packets(about);
    Finding finding = finding_of(Severity::Low, Confidence::Derived, "CPUs that take packets start at a low frequency");
    for (const CpuPower& power : *about.host.topology->power) {
        const CpuSet cpus = power.cpus & woken;
        if (!slow_governor(power) || cpus.empty()) continue;
        finding.evidence.push_back(
            {"/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
             fmt::format("{} ({}) on CPUs {}", *power.governor, power.driver.value_or("driver unknown"), cpus.list())});
        for (const unsigned cpu : cpus.members())
            finding.remedy.push_back(change_cpu({cpu, CpuSetting::What::Governor, 0}, *power.governor, "performance",
                                                "the host is for low latency, and this CPU takes packets"));
    }
    if (finding.evidence.empty()) return std::vector<Finding>{};
    finding.why = "Packets come in short bursts. A governor that saves power raises the frequency after the burst has "
                  "been there for a while, and lowers it before the next.";
    finding.cost = "The first packets of each burst are processed at the lowest frequency.";
    finding.risk = Risk::Low;
    finding.side_effects = "more power and heat, also when idle";
    return std::vector{std::move(finding)};
}

// ── idle states ───────────────────────────────────────────────────────────────────────────────────────────────────

bool is_deep(const IdleState& state) { return state.enabled && state.latency_us > deep_us; }

void forbid(Finding& finding, const CpuPower& power, const CpuSet& cpus)
{
    for (const unsigned cpu : cpus.members())
        for (unsigned number = 0; number < power.idle_states.size(); ++number)
            if (is_deep(power.idle_states[number]))
                finding.remedy.push_back(
                    change_cpu({cpu, CpuSetting::What::IdleState, number}, "on", "off",
                               fmt::format("{} takes {} us to wake up from", power.idle_states[number].name,
                                           power.idle_states[number].latency_us)));
}

Opinion judge_idle_states(const Case& about)
{
    if (!wants_latency(about)) return std::vector<Finding>{};
    if (!about.host.topology) return std::unexpected(about.host.topology.error());
    if (!about.host.topology->power) return without(about.host.topology->power.error());
    const CpuSet woken = woken_by_packets(about);
    Finding finding = finding_of(Severity::Low, Confidence::Derived, "CPUs that take packets may sleep deeply");
    for (const CpuPower& power : *about.host.topology->power) {
        const CpuSet cpus = power.cpus & woken;
        const auto deepest = std::ranges::max_element(
            power.idle_states, {}, [](const IdleState& state) { return is_deep(state) ? state.latency_us : 0; });
        if (cpus.empty() || deepest == power.idle_states.end() || !is_deep(*deepest)) continue;
        finding.evidence.push_back(
            {"/sys/devices/system/cpu/cpu*/cpuidle/state*/latency",
             fmt::format("{}: {} us, enabled on CPUs {}", deepest->name, deepest->latency_us, cpus.list())});
        forbid(finding, power, cpus);
    }
    if (finding.evidence.empty()) return std::vector<Finding>{};
    finding.why =
        "A packet for a sleeping CPU waits until it has woken up. The deeper the state, the longer: caches were "
        "flushed and clocks stopped.";
    finding.cost = "That time is added to each packet that comes after a pause: to the high percentiles.";
    finding.advice = {"A program can ask for the same while it runs: hold /dev/cpu_dma_latency open (kernel "
                      "Documentation/power/pm_qos_interface.rst); that gives up less."};
    finding.risk = Risk::Low;
    finding.side_effects = "more power and heat; neighbouring cores may reach less turbo frequency";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"cpu-governor-slow", "Do CPUs that take packets save power where latency counts?",
         "Only where somebody said low-latency, game or voip: governors powersave and conservative on CPUs that take "
         "queue interrupts.",
         "Documentation/admin-guide/pm/cpufreq.rst; Documentation/admin-guide/pm/intel_pstate.rst", judge_governor},
    Rule{"cpu-idle-deep", "May CPUs that take packets sleep deeply where latency counts?",
         "Only where somebody said low-latency, game or voip: enabled idle states that take more than 20 us to leave, "
         "on CPUs that take queue interrupts. Guests whose host decides are left alone.",
         "Documentation/admin-guide/pm/cpuidle.rst", judge_idle_states},
};

} // namespace

std::span<const Rule> cpu_power_rules() { return rules; }

} // namespace netwright::advise
