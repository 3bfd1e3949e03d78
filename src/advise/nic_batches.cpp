// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about how much a device and the kernel take at once, and how long they wait for it: interrupt coalescing, NAPI
// deferral, the size of super-packets.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

using What = LinkSetting::What;

Value number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Evidence coalescing_evidence(const Nic& nic, const Coalescing& c)
{
    std::string text;
    const auto add = [&](std::string_view name, const std::string& value) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
    };
    if (c.adaptive_rx) add("adaptive-rx", *c.adaptive_rx ? "on" : "off");
    if (c.rx_usecs) add("rx-usecs", std::to_string(*c.rx_usecs));
    if (c.rx_frames) add("rx-frames", std::to_string(*c.rx_frames));
    return {fmt::format("ethtool -c {}", nic.name), text};
}

// ── coalescing ────────────────────────────────────────────────────────────────────────────────────────────────────

bool wants_latency(const Intent& intent)
{
    return serves(intent, Workload::LowLatency) || serves(intent, Workload::Game) || serves(intent, Workload::Voip);
}

// An interrupt for every frame: no time and at most one frame to wait for, and no driver that adapts.
bool interrupts_at_once(const Coalescing& c)
{
    return c.rx_usecs == 0U && c.rx_frames.value_or(0) <= 1 && !c.adaptive_rx.value_or(false);
}

std::vector<Change> start_coalescing(const Nic& nic, const Coalescing& c)
{
    if (c.adaptive_rx)
        return set_device(NicSetting{nic.name, "coalesce", "adaptive-rx"}, Value{std::string("off")},
                          Value{std::string("on")}, "the driver waits longer only while much arrives");
    return set_device(NicSetting{nic.name, "coalesce", "rx-usecs"}, number(0), number(20),
                      "at most 50,000 interrupts a second and queue, for 20 us at most");
}

Opinion judge_uncoalesced(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || wants_latency(about.intent)) return std::vector<Finding>{};
    const auto load = busiest(about);
    const double rate = receive_rate(nic, about.host.interval).value_or(0);
    if (!load || load->interrupts < hot_share || rate < busy_rate) return std::vector<Finding>{};
    if (!nic.coalescing) return without(nic.coalescing.error());
    if (!interrupts_at_once(*nic.coalescing)) return std::vector<Finding>{};
    Finding finding =
        finding_of(load->interrupts >= nearly_full_share ? Severity::High : Severity::Medium, Confidence::Measured,
                   fmt::format("{} interrupts for every frame while a CPU is hot", nic.name));
    finding.evidence = {coalescing_evidence(nic, *nic.coalescing),
                        load_evidence(*load, about.host.interval),
                        {fmt::format("{} rx_packets", nic.name), fmt::format("{:.0f} packets/s", rate)}};
    finding.why = "Each interrupt costs microseconds before the first packet is looked at. A wait of some "
                  "microseconds lets one interrupt bring many frames.";
    finding.cost = "CPU time that grows with the packet rate until frames are lost.";
    finding.remedy = start_coalescing(nic, *nic.coalescing);
    finding.risk = Risk::Low;
    finding.side_effects = "a lone packet may wait some microseconds";
    return std::vector{std::move(finding)};
}

std::vector<Change> wait_less(const Nic& nic, const Coalescing& c, std::uint32_t to)
{
    std::vector<Change> changes;
    if (c.adaptive_rx.value_or(false))
        changes = set_device(NicSetting{nic.name, "coalesce", "adaptive-rx"}, Value{std::string("on")},
                             Value{std::string("off")}, "a fixed wait instead of one that grows with the load");
    if (c.rx_usecs.value_or(0) > to)
        for (Change& change : set_device(NicSetting{nic.name, "coalesce", "rx-usecs"}, number(*c.rx_usecs), number(to),
                                         fmt::format("lower: a frame waits at most {} us for its interrupt", to)))
            changes.push_back(std::move(change));
    return changes;
}

Opinion judge_late_interrupts(const Nic& nic, const Case& about)
{
    constexpr std::uint32_t short_wait = 8; // us: the lower end of what drivers choose themselves under light load
    if (!working_hardware(nic) || !said(about, {Workload::LowLatency, Workload::Game, Workload::Voip}))
        return std::vector<Finding>{};
    if (!nic.coalescing) return without(nic.coalescing.error());
    const Coalescing& c = *nic.coalescing;
    const std::uint32_t waits = c.rx_usecs.value_or(0);
    if (waits <= 50 && !c.adaptive_rx.value_or(false)) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, waits > 50 ? Confidence::Derived : Confidence::Convention,
                   fmt::format("Frames wait for the interrupt of {} on a host that is for latency", nic.name));
    finding.evidence = {coalescing_evidence(nic, c)};
    finding.why = "The device collects frames before it interrupts; with adaptive coalescing the wait grows with the "
                  "load, so the slowest packets come when it matters most.";
    finding.cost = waits > 50 ? fmt::format("Up to {} us for each packet that comes alone.", waits)
                              : "A delay that changes with the load.";
    finding.remedy = wait_less(nic, c, short_wait);
    finding.risk = Risk::Medium;
    finding.side_effects = "more interrupts, and CPU time for them";
    return std::vector{std::move(finding)};
}

// ── NAPI ──────────────────────────────────────────────────────────────────────────────────────────────────────────

// napi_complete_done() in net/core/dev.c: the count of deferrals is looked at only where there is a timeout.
Opinion judge_half_deferral(const Nic& nic, const Case&)
{
    if (!nic.up || !nic.napi_defer_hard_irqs || !nic.gro_flush_timeout_ns) return std::vector<Finding>{};
    if (*nic.napi_defer_hard_irqs == 0 || *nic.gro_flush_timeout_ns != 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Info, Confidence::Derived,
                                 fmt::format("napi_defer_hard_irqs of {} does nothing", nic.name));
    finding.evidence = {
        {fmt::format("/sys/class/net/{}/napi_defer_hard_irqs", nic.name), std::to_string(*nic.napi_defer_hard_irqs)},
        {fmt::format("/sys/class/net/{}/gro_flush_timeout", nic.name), "0"}};
    finding.why = "The kernel keeps interrupts masked between polls only if a timer calls it back, and "
                  "gro_flush_timeout is that timer's time.";
    finding.cost = "The setting looks made and does nothing.";
    finding.remedy = set_device(LinkSetting{nic.name, What::NapiDeferHardIrqs}, number(*nic.napi_defer_hard_irqs),
                                number(0), "as it is without a timer");
    finding.advice = {"If deferral was wanted (busy polling), set gro_flush_timeout instead, for example to 200000."};
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

// ── super-packets ─────────────────────────────────────────────────────────────────────────────────────────────────

constexpr std::uint32_t usual_gso = 65536; // GSO_LEGACY_MAX_SIZE in include/linux/netdevice.h

Opinion judge_short_super_packets(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !nic.limits.gso_max_size) return std::vector<Finding>{};
    const std::uint32_t now = *nic.limits.gso_max_size;
    const std::uint32_t to = std::min(usual_gso, nic.limits.tso_max_size.value_or(now)); // unknown: the driver's own
    if (now >= to) return std::vector<Finding>{};
    const auto load = busiest(about);
    Finding finding =
        finding_of(load && load->interrupts >= hot_share ? Severity::Medium : Severity::Low, Confidence::Derived,
                   fmt::format("{} sends in blocks of {} although it takes {}", nic.name, grouped(now), grouped(to)));
    finding.evidence = {{fmt::format("ip -d link show {}", nic.name),
                         fmt::format("gso_max_size {}, tso_max_size {}", now, *nic.limits.tso_max_size)}};
    if (load) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    finding.why = "A large send goes through the stack as one block of at most this size. Somebody made it smaller "
                  "than the kernel's default and the device's limit.";
    finding.cost = "More passes through the stack for the same bytes.";
    finding.remedy = set_device(LinkSetting{nic.name, What::GsoMaxSize}, number(now), number(to),
                                "the kernel's default, within what the device takes");
    finding.risk = Risk::Low;
    finding.side_effects = "larger bursts towards the switch; a shaper may have wanted small ones";
    return std::vector{std::move(finding)};
}

bool is_very_fast(const Nic& nic) { return nic.speed_mbit && *nic.speed_mbit >= 100'000; }

Opinion judge_big_tcp(const Nic& nic, const Case& about)
{
    constexpr std::uint32_t big = 185'000; // of the kernel's BIG TCP measurements
    if (!working_hardware(nic) || !is_very_fast(nic)) return std::vector<Finding>{};
    if (!nic.limits.gso_max_size || !nic.limits.gro_max_size || !nic.limits.tso_max_size) return std::vector<Finding>{};
    const std::uint32_t to = std::min(big, *nic.limits.tso_max_size);
    const auto load = busiest(about);
    const bool felt = load && load->interrupts >= hot_share;
    if (!felt || to <= usual_gso || *nic.limits.gso_max_size != usual_gso) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("{} can take blocks above 64 KiB (BIG TCP)", nic.name));
    finding.evidence = {{fmt::format("ip -d link show {}", nic.name),
                         fmt::format("gso_max_size {}, gro_max_size {}, tso_max_size {}", *nic.limits.gso_max_size,
                                     *nic.limits.gro_max_size, *nic.limits.tso_max_size)},
                        {"speed", fmt::format("{} Mbit/s", *nic.speed_mbit)},
                        load_evidence(*load, about.host.interval)};
    finding.why = "At 100 Gbit/s 64 KiB are 5 us. Larger blocks pass the stack less often; over IPv6 they carry a "
                  "jumbogram header until the device cuts them.";
    finding.cost = "CPU time for each byte of bulk transfers over IPv6.";
    finding.remedy = set_device(LinkSetting{nic.name, What::GsoMaxSize}, number(usual_gso), number(to),
                                "BIG TCP, within what the device takes", Risk::Medium);
    for (Change& change : set_device(LinkSetting{nic.name, What::GroMaxSize}, number(*nic.limits.gro_max_size),
                                     number(to), "BIG TCP for what is received", Risk::Medium))
        finding.remedy.push_back(std::move(change));
    finding.risk = Risk::Medium;
    finding.side_effects = "captures and eBPF programs may meet packets above 64 KiB, which some do not expect";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"nic-interrupts-uncoalesced", "Does a device interrupt for every frame while a CPU is hot?",
         "No time, at most one frame and no adaptation in its coalescing, 10,000 packets/s or more, and a CPU that "
         "spends half of its time in interrupts. Where the driver can adapt it is asked to; else 20 us. Left alone: "
         "hosts that are for latency.",
         "ethtool(8) -C; Documentation/networking/scaling.rst", judge_uncoalesced},
    Rule{"nic-interrupts-late", "Do frames wait for an interrupt on a host that is for latency?",
         "Only where somebody said that the host is for latency, games or voice: a wait above 50 us, or adaptive "
         "coalescing, whose wait grows with the load (a convention). A fixed wait of 8 us is proposed.",
         "ethtool(8) -C; the drivers' coalescing defaults", judge_late_interrupts},
    Rule{"napi-defer-without-timeout", "Is interrupt deferral set without the timer that it needs?",
         "napi_defer_hard_irqs above 0 with gro_flush_timeout 0 has no effect.",
         "net/core/dev.c napi_complete_done; Documentation/networking/napi.rst", judge_half_deferral},
    Rule{"link-segments-cut-short", "Is the size of super-packets below what device and kernel take?",
         "gso_max_size below 64 KiB and below the driver's tso_max_size. Not judged before Linux 6.0, where the "
         "driver's limit is not told.",
         "ip-link(8) gso_max_size; net/core/rtnetlink.c do_setlink", judge_short_super_packets},
    Rule{"link-big-tcp", "Could a very fast link use blocks above 64 KiB?",
         "100 Gbit/s or more, a driver that takes more than 64 KiB, the default size, and a CPU that spends half of "
         "its time in interrupts.",
         "ip-link(8); net/ipv6/ip6_offload.c; include/linux/netdevice.h GSO_MAX_SIZE", judge_big_tcp},
};

} // namespace

std::span<const Rule> nic_batch_rules() { return rules; }

} // namespace netwright::advise
