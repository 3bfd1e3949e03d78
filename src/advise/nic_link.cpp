// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about the cable and what is at its end: duplex, speed, carrier, damaged frames, pauses, stalls.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

Opinion judge_half_duplex(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !nic.duplex || *nic.duplex != "half") return std::vector<Finding>{};
    const Counter collisions = statistic(nic, "collisions").value_or(Counter{});
    Finding finding;
    finding.severity = collisions.growth != 0 ? Severity::High : Severity::Medium;
    finding.confidence = Confidence::Measured;
    finding.title = fmt::format("{} runs at half duplex", nic.name);
    finding.evidence = {{fmt::format("/sys/class/net/{}/duplex", nic.name), "half"},
                        {fmt::format("{} collisions", nic.name), amount(collisions, about.host.interval)}};
    finding.why = "One side negotiates and the other has a fixed setting: the negotiating side then falls back to half "
                  "duplex and takes every frame that comes while it sends for a collision.";
    finding.cost = "Throughput collapses under load in both directions.";
    finding.advice = {
        fmt::format("Let both ends negotiate: ethtool -s {} autoneg on, and the same at the switch port.", nic.name)};
    finding.risk = Risk::Medium;
    finding.side_effects = "the link goes down while it negotiates";
    return std::vector{std::move(finding)};
}

Opinion judge_slow_link(const Nic& nic, const Case& about)
{
    constexpr std::uint32_t last_century_mbit = 100;
    if (!working_hardware(nic) || !nic.speed_mbit || *nic.speed_mbit == 0) return std::vector<Finding>{};
    const std::uint64_t bits = std::uint64_t{*nic.speed_mbit} * 1'000'000;
    const auto& asked = about.intent.bandwidth;
    const bool too_slow = asked && asked->given && asked->value.bits_per_second > bits;
    if (!too_slow && *nic.speed_mbit > last_century_mbit) return std::vector<Finding>{};

    Finding finding;
    finding.severity = too_slow ? Severity::Medium : Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = too_slow ? fmt::format("{} is slower than the bandwidth this host is meant to have", nic.name)
                             : fmt::format("{} runs at only {}", nic.name, to_text(BitRate{bits}));
    finding.evidence = {{fmt::format("/sys/class/net/{}/speed", nic.name), to_text(BitRate{bits})}};
    if (too_slow) finding.evidence.push_back({asked->reason, to_text(asked->value)});
    finding.why = "Gigabit needs all four pairs of a cable: with one damaged pair the link falls back to 100 Mbit/s. A "
                  "switch port or a module can be the limit too.";
    finding.cost = "No setting of the host makes the link faster than this.";
    finding.advice = {fmt::format("Compare what both ends offer (ethtool {}), then cable, module and switch port. If "
                                  "the traffic leaves by several interfaces together, ignore this.",
                                  nic.name)};
    return std::vector{std::move(finding)};
}

// Changes a day, from the uptime; nothing where it is not known or too short to tell.
std::optional<double> changes_a_day(const Counter& changes, const Snapshot& host)
{
    if (!host.kernel.uptime || host.kernel.uptime->count() < 3600) return std::nullopt;
    return static_cast<double>(changes.total) * 86400 / static_cast<double>(host.kernel.uptime->count());
}

Opinion judge_carrier(const Nic& nic, const Case& about)
{
    constexpr std::uint64_t after_a_few_boots = 20; // drivers reset the link several times while they start
    if (!nic.physical || nic.loopback || !nic.kind.empty() || !nic.up) return std::vector<Finding>{};
    if (!nic.carrier_changes) return without(nic.carrier_changes.error());
    const Counter changes = *nic.carrier_changes;
    const auto daily = changes_a_day(changes, about.host);
    const bool often = changes.total > after_a_few_boots && daily && *daily > 2;
    if (changes.growth == 0 && !often) return std::vector<Finding>{};

    Finding finding;
    finding.severity = changes.growth != 0 ? Severity::High : Severity::Low;
    finding.confidence = confidence_of(changes);
    finding.title = fmt::format("The link of {} comes and goes", nic.name);
    finding.evidence = {
        {fmt::format("/sys/class/net/{}/carrier_changes", nic.name), amount(changes, about.host.interval)}};
    if (daily) finding.evidence.push_back({"since boot", fmt::format("{:.1f} changes a day", *daily)});
    finding.why = "Each loss of carrier empties the NIC's rings and stops its queues; neighbours and routes may be "
                  "learned anew.";
    finding.cost = "Seconds without traffic, each time.";
    finding.advice = {"Cable, module, switch port and its log, energy saving (ethtool --show-eee); after a driver or "
                      "firmware update, that update."};
    return std::vector{std::move(finding)};
}

Opinion judge_damaged_frames(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.statistics) return without(nic.statistics.error());
    std::vector<NamedCounter> counters = driver_counters(nic, CounterClass::Wire);
    for (const std::string_view name : {"rx_crc_errors", "rx_frame_errors"})
        if (const auto counter = statistic(nic, name); counter && counter->total != 0)
            if (std::ranges::find(counters, name, &NamedCounter::name) == counters.end())
                counters.push_back({std::string(name), *counter});
    const Counter worst = largest(counters);
    const auto severity = weigh_loss(worst, statistic(nic, "rx_packets").value_or(Counter{}), about.host.interval);
    if (!severity) return std::vector<Finding>{};

    Finding finding;
    finding.severity = *severity;
    finding.confidence = confidence_of(worst);
    finding.title = fmt::format("Frames reach {} damaged", nic.name);
    finding.evidence = evidence_of(nic, std::move(counters), about.host.interval);
    finding.why = "A frame whose checksum is wrong was damaged on the wire: a bad cable, dirty optics, a failing "
                  "module or port, or a mismatch of MTU or error correction.";
    finding.cost = "Losses that look like congestion to TCP, in one direction only.";
    finding.advice = {"Swap the cable or module, then the switch port; compare the counters of both ends; check the "
                      "optical levels (ethtool -m)."};
    return std::vector{std::move(finding)};
}

Opinion judge_pause(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !nic.driver_statistics) return std::vector<Finding>{};
    auto counters = driver_counters(nic, CounterClass::Pause);
    // Received pauses stop us; those we send are our own receive side asking for time.
    const Counter worst = largest(counters);
    constexpr std::uint64_t fewest = 100;
    if (worst.growth < fewest) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Measured;
    finding.title = fmt::format("Flow control pauses the link of {}", nic.name);
    finding.evidence = evidence_of(nic, std::move(counters), about.host.interval);
    finding.why = "With Ethernet flow control a full receiver stops its peer, all of its traffic at once, instead of "
                  "dropping frames.";
    finding.cost = "Nothing is lost, but everybody on the link waits for the slowest; the switch may spread the "
                   "waiting to other ports.";
    finding.advice = {fmt::format("Find who is slow: pauses that {} sends mean this host's receive side (rings, CPU); "
                                  "received ones mean the peer. `ethtool -a {}` shows what was negotiated.",
                                  nic.name, nic.name)};
    finding.risk = Risk::Medium;
    finding.side_effects = "without flow control the same overload becomes loss; storage networks may depend on it";
    return std::vector{std::move(finding)};
}

Opinion judge_stall(const Nic& nic, const Case& about)
{
    if (!nic.physical || nic.loopback || !nic.up || !nic.driver_statistics) return std::vector<Finding>{};
    auto counters = driver_counters(nic, CounterClass::Stall);
    const Counter worst = largest(counters);
    if (worst.total == 0) return std::vector<Finding>{};

    Finding finding;
    finding.severity = worst.growth != 0 ? Severity::High : Severity::Low;
    finding.confidence = confidence_of(worst);
    finding.title = fmt::format("Transmit queues of {} hung and were reset", nic.name);
    finding.evidence = evidence_of(nic, std::move(counters), about.host.interval);
    finding.why = "The device did not report a frame as sent for seconds; the watchdog (net/sched/sch_generic.c) then "
                  "resets it. Causes are firmware, driver, PCIe errors, a pause storm or a starved hypervisor.";
    finding.cost = "Seconds without traffic, each time.";
    finding.advice = {"Look for \"transmit queue N timed out\" in the kernel log; update firmware and driver; then try "
                      "without flow control, energy saving (EEE) and segmentation offload, one at a time."};
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"nic-half-duplex", "Does a link run at half duplex?",
         "Hardware only. Medium as it stands, High where collisions grow: then frames are being destroyed now.",
         "IEEE 802.3 clause 28; ethtool(8)", judge_half_duplex},
    Rule{"nic-slow-link", "Is a link slower than it should be?",
         "100 Mbit/s or less on hardware that tells its speed, or slower than a bandwidth that a person gave. "
         "Virtual NICs that do not know their speed are not judged.",
         "ethtool(8); Documentation/ABI/testing/sysfs-class-net", judge_slow_link},
    Rule{"nic-carrier-flaps", "Does the link come and go?",
         "High when it changed between the samples. Since boot: Low, from more than 20 changes and more than two a "
         "day on; the first few belong to start-up.",
         "Documentation/ABI/testing/sysfs-class-net (carrier_changes)", judge_carrier},
    Rule{"nic-damaged-frames", "Do frames arrive damaged?",
         "CRC, alignment and symbol errors of the kernel's and the driver's counters as a share of received packets; "
         "healthy links have none. A total since boot below 1 in 10,000 is not told.",
         "include/uapi/linux/if_link.h; the drivers' ethtool files", judge_damaged_frames},
    Rule{"nic-paused", "Does Ethernet flow control hold the link back?",
         "XOFF and pause counters that grew by 100 or more between the samples. Never more than Low: nothing is lost.",
         "IEEE 802.3x; ethtool(8) -a", judge_pause},
    Rule{"nic-transmit-timeouts", "Did the device hang while sending?",
         "The driver's transmit timeouts: High when they grow, Low when they happened since boot.",
         "net/sched/sch_generic.c dev_watchdog", judge_stall},
};

} // namespace

std::span<const Rule> nic_link_rules() { return rules; }

} // namespace netwright::advise
