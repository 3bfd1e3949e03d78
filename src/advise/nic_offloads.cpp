// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about work that a NIC could take from the CPUs, and work that it must not do here.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace netwright::advise {
namespace {

struct Offload {
    std::string_view feature, saves; // what it spares the CPU
    std::string_view instead;        // another feature that does the same work
};

constexpr std::array offloads{
    Offload{"rx-gro", "GRO: one pass through the stack for many received segments", ""},
    Offload{"tx-tcp-segmentation", "TSO: the NIC cuts large sends into segments", ""},
    Offload{"tx-tcp6-segmentation", "TSO for IPv6", ""},
    Offload{"tx-generic-segmentation", "GSO: large sends stay whole until the driver", ""},
    Offload{"tx-scatter-gather", "sends without a copy into one block, which TSO needs", ""},
    Offload{"tx-checksum-ip-generic", "checksums of sent packets", "tx-checksum-ipv4"},
    Offload{"tx-checksum-ipv4", "checksums of sent IPv4 packets", "tx-checksum-ip-generic"},
    Offload{"rx-checksum", "checksums of received packets", ""},
};

// r8169 keeps these off itself: several of its chips hang with them (drivers/net/ethernet/realtek/r8169_main.c).
constexpr std::array kept_off_by_r8169{std::string_view{"tx-tcp-segmentation"},
                                       std::string_view{"tx-tcp6-segmentation"}, std::string_view{"tx-scatter-gather"}};

bool is_active(const Nic& nic, std::string_view name)
{
    const Feature* found = feature(nic, name);
    return found != nullptr && found->active;
}

// Waiting for more segments costs single packets a little time; somebody may have chosen not to.
bool wants_every_packet_at_once(const Intent& intent)
{
    return serves(intent, Workload::LowLatency) || serves(intent, Workload::Game) || serves(intent, Workload::Voip);
}

bool could_be_on(const Nic& nic, const Offload& offload, const Case& about)
{
    const Feature* found = feature(nic, offload.feature);
    if (found == nullptr || found->active || found->fixed || found->wanted) return false;
    if (!offload.instead.empty() && is_active(nic, offload.instead)) return false;
    if (offload.feature == "rx-gro" && wants_every_packet_at_once(about.intent)) return false;
    return !(nic.driver && *nic.driver == "r8169" &&
             std::ranges::find(kept_off_by_r8169, offload.feature) != kept_off_by_r8169.end());
}

Opinion judge_offload_off(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    Finding finding;
    std::string names;
    for (const Offload& offload : offloads) {
        if (!could_be_on(nic, offload, about)) continue;
        names += (names.empty() ? "" : ", ") + std::string(offload.feature);
        std::ranges::move(set_feature(nic, offload.feature, true, std::string(offload.saves), Risk::Medium),
                          std::back_inserter(finding.remedy));
        finding.evidence.push_back({fmt::format("ethtool -k {}", nic.name),
                                    fmt::format("{} off, not fixed ({})", offload.feature, offload.saves)});
    }
    if (names.empty()) return std::vector<Finding>{};

    const auto load = busiest(about);
    const bool felt =
        load && load->interrupts >= hot_share && receive_rate(nic, about.host.interval).value_or(0) >= busy_rate;
    finding.severity = felt ? Severity::Medium : Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = fmt::format("{} has offloads off that its driver can do: {}", nic.name, names);
    if (load) finding.evidence.push_back(load_evidence(*load, about.host.interval));
    finding.why = "Somebody switched them off. Without them the CPU cuts, sums or walks through the stack each segment "
                  "by itself, up to 44 times for one 64 KiB send.";
    finding.cost = "CPU time for each packet, at the most where the traffic is.";
    finding.risk = Risk::Medium;
    finding.side_effects = "they may be off because of a driver fault, a shaper that wants small packets, or a capture "
                           "that wants frames as sent: find out before";
    return std::vector{std::move(finding)};
}

Opinion judge_refused_offload(const Nic& nic, const Case&)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    Finding finding;
    for (const Offload& offload : offloads) {
        const Feature* found = feature(nic, offload.feature);
        if (found != nullptr && found->wanted && !found->active && !found->fixed)
            finding.evidence.push_back(
                {fmt::format("ethtool -k {}", nic.name), fmt::format("{} off [requested on]", offload.feature)});
    }
    if (finding.evidence.empty()) return std::vector<Finding>{};
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = fmt::format("{} was asked for offloads that it does not do now", nic.name);
    finding.why = "An offload needs others: TSO needs scatter-gather and transmit checksums. The kernel keeps the wish "
                  "and switches it off while something it needs is missing (net/core/dev.c, netdev_fix_features).";
    finding.cost = "The setting looks made and does nothing.";
    finding.advice = {fmt::format("Switch on what it needs: ethtool -K {0} tx on sg on, then look again with "
                                  "ethtool -k {0}.",
                                  nic.name)};
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

// ── LRO and XDP ───────────────────────────────────────────────────────────────────────────────────────────────────

const Nic* master_of(const Nic& nic, const Snapshot& host)
{
    if (!nic.master || !host.nics) return nullptr;
    const auto found = std::ranges::find(*host.nics, *nic.master, &Nic::index);
    return found == host.nics->end() ? nullptr : &*found;
}

bool on(const Case& about, std::string_view key)
{
    const auto value = about.host.sysctls.number(key);
    return value && *value != 0;
}

// Why frames of this NIC go on to somebody else, or to a program that reads their headers; "" if they do not.
std::string passes_frames_on(const Nic& nic, const Case& about)
{
    if (!nic.xdp.empty()) return fmt::format("an XDP program is attached to {}", nic.name);
    if (const Nic* master = master_of(nic, about.host); master != nullptr && master->kind == "bridge")
        return fmt::format("{} belongs to bridge {}", nic.name, master->name);
    for (const std::string_view key : {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"})
        if (on(about, key)) return fmt::format("{} = 1", key);
    return {};
}

Opinion judge_lro(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    const std::string reason = passes_frames_on(nic, about);
    if (!is_active(nic, "rx-lro") || reason.empty()) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Medium;
    finding.confidence = Confidence::Derived;
    finding.title = fmt::format("LRO merges frames of {} that are passed on", nic.name);
    finding.evidence = {{fmt::format("ethtool -k {}", nic.name), "rx-lro on"}, {"and frames are passed on", reason}};
    finding.why = "LRO joins segments and forgets what was different in their headers, so they cannot be cut apart "
                  "again. GRO keeps what is needed. The kernel switches LRO off when forwarding starts; here it was "
                  "switched on again, or forwarding happens elsewhere.";
    finding.cost = "Forwarded connections stall: packets are too large for the way out, or lose options.";
    finding.remedy = set_feature(nic, "rx-lro", false, "frames that are passed on must not be merged; GRO stays on");
    finding.risk = Risk::Low;
    finding.side_effects = "some drivers reset the link";
    return std::vector{std::move(finding)};
}

Opinion judge_generic_xdp(const Nic& nic, const Case&)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    const auto generic = std::ranges::find(nic.xdp, "generic", &XdpProgram::mode);
    if (generic == nic.xdp.end()) return std::vector<Finding>{};
    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = fmt::format("The XDP program on {} runs in generic mode", nic.name);
    finding.evidence = {
        {fmt::format("ip -d link show {}", nic.name), fmt::format("xdpgeneric, program {}", generic->id)}};
    finding.why = "Generic XDP runs after the kernel has built its packet buffer; it saves the stack, and none of the "
                  "work that native XDP avoids.";
    finding.cost = "Each dropped packet costs about 2.3 times as much as in native mode.";
    finding.advice = {"If the driver knows XDP, attach natively (xdpdrv). Common reasons why that was refused: LRO on, "
                      "an MTU above one page without multi-buffer support, too few queues."};
    finding.risk = Risk::Medium;
    finding.side_effects = "attaching natively resets the queues of many drivers";
    return std::vector{std::move(finding)};
}

Opinion judge_veth_without_gro(const Nic& nic, const Case&)
{
    const auto native = std::ranges::find(nic.xdp, "native", &XdpProgram::mode);
    const Feature* gro = feature(nic, "rx-gro");
    if (nic.kind != "veth" || native == nic.xdp.end() || gro == nullptr || gro->active || gro->fixed)
        return std::vector<Finding>{};
    Finding finding;
    finding.severity = Severity::Info;
    finding.confidence = Confidence::Convention;
    finding.title = fmt::format("{} runs XDP without GRO", nic.name);
    finding.evidence = {{fmt::format("ethtool -k {}", nic.name), "rx-gro off"},
                        {fmt::format("ip -d link show {}", nic.name), fmt::format("xdp, program {}", native->id)}};
    finding.why = "With XDP a veth device receives through NAPI and can merge segments; without GRO each goes through "
                  "the stack alone.";
    finding.cost = "CPU time of containers behind the program.";
    finding.remedy = set_feature(nic, "rx-gro", true, "segments are merged before they go through the stack");
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"nic-offload-off", "Are offloads off that the driver could do?",
         "GRO, TSO, GSO, scatter-gather and checksums on hardware: off, not fixed, and not asked for. Low; Medium when "
         "a CPU spends half of its time in interrupts. Left alone: what the driver cannot change, GRO where the intent "
         "is latency, and what r8169 keeps off itself.",
         "ethtool(8) -k; Documentation/networking/segmentation-offloads.rst", judge_offload_off},
    Rule{"nic-offload-refused", "Was an offload asked for that is not active?",
         "ethtool's \"off [requested on]\" for the same offloads: something they depend on is off.",
         "net/core/dev.c netdev_fix_features; Documentation/networking/netdev-features.rst", judge_refused_offload},
    Rule{"nic-lro-while-forwarding", "Does LRO merge frames that are passed on?",
         "LRO on while the host forwards, bridges this NIC or runs an XDP program on it.",
         "Documentation/networking/netdev-features.rst; net/core/dev.c dev_disable_lro", judge_lro},
    Rule{"nic-xdp-generic", "Does an XDP program run in generic mode on hardware?",
         "Generic mode is for tests and for drivers without XDP; on hardware it is usually a fallback that nobody "
         "noticed.",
         "net/core/dev.c do_xdp_generic; ip-link(8)", judge_generic_xdp},
    Rule{"veth-xdp-without-gro", "Does a veth device run native XDP without GRO?",
         "A convention (Info): nothing measured says that it hurts here.", "drivers/net/veth.c",
         judge_veth_without_gro},
};

} // namespace

std::span<const Rule> nic_offload_rules() { return rules; }

} // namespace netwright::advise
