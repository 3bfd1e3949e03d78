// SPDX-License-Identifier: GPL-2.0-or-later
// The words that rules about interfaces and softirqs share: what counts as hardware, how busy CPUs are, how much is
// lost.
#pragma once

#include "advise/remedy.h"
#include "advise/rule.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::advise {

// Has a device behind it and frames can flow: the only kind that rules about rings, queues and cables judge. veth,
// bridges, lo, ifb and tun are not.
bool working_hardware(const Nic& nic);

// What a rule says when a reading it wanted has an error: a device that has no such thing (EOPNOTSUPP on a virtual
// device, an older kernel) leaves nothing to judge; anything else is a gap worth telling.
Opinion without(const Error& error);

// ── losses ────────────────────────────────────────────────────────────────────────────────────────────────────────

// How bad it is that `lost` of `handled` packets did not get through. Nothing: too few to matter. What grows while we
// look is judged by its share; what is only a total since boot is Low at most, and never an alarm.
std::optional<Severity> weigh_loss(const Counter& lost, const Counter& handled, std::chrono::milliseconds interval);

std::optional<Counter> statistic(const Nic& nic, std::string_view name); // IFLA_STATS64; nothing when it is not kept

// What a driver's counter is about (ethtool -S names are the driver's own).
enum class CounterClass {
    NoBuffer,  // a frame found no receive descriptor: the CPU was late or the ring short
    Memory,    // the driver could not get memory for its receive ring
    Wire,      // damaged frames: cable, optics, peer
    Pause,     // flow control: somebody was asked to wait
    Stall,     // the device or its driver hung
    Allowance, // a cloud's limit for this size of instance
    Other
};
CounterClass class_of(std::string_view driver, std::string_view counter);
// The driver's counters of one class that are not 0.
std::vector<NamedCounter> driver_counters(const Nic& nic, CounterClass wanted);

// Evidence for counters of a NIC: "eth0 rx_missed_errors: 27 in 10 s (41 since boot)", at most `most` of them, those
// that grew first.
std::vector<Evidence> evidence_of(const Nic& nic, std::vector<NamedCounter> counters,
                                  std::chrono::milliseconds interval, std::size_t most = 6);
// The one that grew most (of equal growth: the one with the largest total). Counters of one class often count the same
// event on several levels, so they are not added. Zero when there are none.
Counter largest(std::span<const NamedCounter> counters);

// ── load ──────────────────────────────────────────────────────────────────────────────────────────────────────────

struct CpuLoad { // shares of the time between the two samples, 0…1
    unsigned cpu = 0;
    double interrupts = 0; // hard and soft together
    double steal = 0;
};
// One a CPU; empty when there was one sample, or one too short for ticks of 1/100 s to mean anything.
std::vector<CpuLoad> cpu_loads(const Case& about);
std::optional<CpuLoad> busiest(const Case& about); // in interrupts
Evidence load_evidence(const CpuLoad& load, std::chrono::milliseconds interval);

// A CPU that spends this share of its time in interrupts is hot; from the second on it loses packets soon.
inline constexpr double hot_share = 0.5, nearly_full_share = 0.8;
// Received packets per second, both directions not added; nothing when one sample was taken.
std::optional<double> receive_rate(const Nic& nic, std::chrono::milliseconds interval);
inline constexpr double busy_rate = 10'000; // packets/s: below, no queueing decision can be felt

bool is_busy(const Nic& nic, const Case& about);      // receives that many
Severity by_load(const std::optional<CpuLoad>& load); // Low; Medium when hot, High when nearly full

std::string percent(double share); // "97 %"

// ── queues ────────────────────────────────────────────────────────────────────────────────────────────────────────

std::vector<const Queue*> queues_of(const Nic& nic, std::string_view side); // "rx" or "tx"; empty when not seen
// The CPUs that should take this NIC's packets: online, not isolated, on its NUMA node when the host has several.
CpuSet nearby_cpus(const Nic& nic, const Topology& topology);

// A change of a device's setting from what the snapshot shows. Nothing: it already has that value. `interrupts`: the
// driver may take the link down for a moment.
std::vector<Change> set_device(Tunable tunable, Value from, Value to, std::string why, Risk risk = Risk::Low,
                               bool interrupts = false);
// An offload, switched.
std::vector<Change> set_feature(const Nic& nic, std::string_view name, bool to, std::string why, Risk risk = Risk::Low);
// A queue's sysfs attribute.
std::vector<Change> set_queue(const Nic& nic, const Queue& queue, QueueSetting::What what, Value from, Value to,
                              std::string why);

const Feature* feature(const Nic& nic, std::string_view name); // null: not known to this kernel, or features not seen

} // namespace netwright::advise
