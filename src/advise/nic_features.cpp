// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about switches of a device that somebody left in the wrong position: for a test, after a capture, by a recipe.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <array>

namespace netwright::advise {
namespace {

bool changeable(const Feature* feature, bool active)
{
    return feature != nullptr && feature->active == active && !feature->fixed;
}

Evidence shown(const Nic& nic, std::string_view name, std::string_view state)
{
    return {fmt::format("ethtool -k {}", nic.name), fmt::format("{} {}", name, state)};
}

Opinion judge_loopback(const Nic& nic, const Case&)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    if (!changeable(feature(nic, "loopback"), true)) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::High, Confidence::Derived, fmt::format("{} sends every frame back to itself", nic.name));
    finding.evidence = {shown(nic, "loopback", "on")};
    finding.why = "The loopback feature is for tests: the device hands what it should send back as received, and "
                  "nothing reaches the wire.";
    finding.cost = "The interface carries no traffic of others.";
    finding.remedy = set_feature(nic, "loopback", false, "the loopback test of the device is over", Risk::Low);
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

Opinion judge_damaged_frames_delivered(const Nic& nic, const Case&)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("{} hands damaged frames or their checksums to the stack", nic.name));
    for (const std::string_view name : {"rx-all", "rx-fcs"}) {
        if (!changeable(feature(nic, name), true)) continue;
        finding.evidence.push_back(shown(nic, name, "on"));
        for (Change& change : set_feature(nic, name, false, "only captures of faults on the wire need it"))
            finding.remedy.push_back(std::move(change));
    }
    if (finding.evidence.empty()) return std::vector<Finding>{};
    finding.why = "rx-all delivers frames that failed their check, rx-fcs leaves four bytes of checksum behind every "
                  "frame. Both switch LRO and hardware GRO off (net/core/dev.c, netdev_fix_features).";
    finding.cost = "CPU time for frames that are thrown away later, and receive offloads that cannot be on.";
    finding.risk = Risk::Low;
    finding.side_effects = "a capture that studies damaged frames ends";
    return std::vector{std::move(finding)};
}

bool steers_in_software(const Nic& nic)
{
    for (const Queue* queue : queues_of(nic, "rx"))
        if (queue->cpus && !queue->cpus->empty()) return true;
    return false;
}

Opinion judge_receive_hash(const Nic& nic, const Case&)
{
    if (!working_hardware(nic) || !steers_in_software(nic)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    if (!changeable(feature(nic, "rx-hashing"), false)) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("{} could hand over the hash that RPS computes itself", nic.name));
    finding.evidence = {shown(nic, "rx-hashing", "off, not fixed"), {"rps_cpus", "set: packets are steered by hash"}};
    finding.why = "RPS picks a CPU by a hash of addresses and ports. The device has computed one for each packet; "
                  "without rx-hashing the kernel dissects the headers again (net/core/flow_dissector.c).";
    finding.cost = "CPU time of the interrupted CPU for each packet, which steering was to spare.";
    finding.remedy = set_feature(nic, "rx-hashing", true, "steering takes the device's hash instead of its own");
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

Opinion judge_nocache_copy(const Nic& nic, const Case&)
{
    if (!working_hardware(nic)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    if (!changeable(feature(nic, "tx-nocache-copy"), true)) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("Data sent over {} is copied around the cache", nic.name));
    finding.evidence = {shown(nic, "tx-nocache-copy", "on; the kernel's default is off since 3.14")};
    finding.why = "The copy from the application bypasses the CPU cache, and whoever reads the data next, often the "
                  "checksum or the device through the same cache, waits for memory.";
    finding.cost = "Slower sends for most workloads: the reason why the kernel switched it off.";
    finding.remedy = set_feature(nic, "tx-nocache-copy", false, "the kernel's default");
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

bool sends_datagrams(const Case& about)
{
    const auto sent = counter_of(about, "UdpOutDatagrams");
    return sent && about.host.interval.count() != 0 &&
           static_cast<double>(sent->growth) * 1000 >= busy_rate * static_cast<double>(about.host.interval.count());
}

Opinion judge_udp_segmentation(const Nic& nic, const Case& about)
{
    if (!working_hardware(nic) || !sends_datagrams(about)) return std::vector<Finding>{};
    if (!nic.features) return without(nic.features.error());
    const Feature* found = feature(nic, "tx-udp-segmentation");
    if (!changeable(found, false) || found->wanted) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 fmt::format("{} could cut UDP sends into datagrams itself", nic.name));
    finding.evidence = {shown(nic, "tx-udp-segmentation", "off, not fixed")};
    note(finding, counter_evidence(about, "UdpOutDatagrams"));
    finding.why = "QUIC servers hand the kernel one large block with UDP_SEGMENT. The device can cut it; without the "
                  "offload the kernel does, just before the driver (net/ipv4/udp_offload.c).";
    finding.cost = "CPU time for each datagram.";
    finding.remedy =
        set_feature(nic, "tx-udp-segmentation", true, "large UDP sends stay whole until the device", Risk::Medium);
    finding.risk = Risk::Medium;
    finding.side_effects = "some devices were given this offload late, and firmware has had faults in it";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"nic-loopback-left-on", "Does a device send its frames back to itself?",
         "The loopback feature on hardware, on and changeable. High: nothing reaches the wire.",
         "include/linux/netdev_features.h; ethtool(8) -k", judge_loopback},
    Rule{"nic-damaged-frames-delivered", "Does a device deliver damaged frames, or checksums, to the stack?",
         "rx-all or rx-fcs on, on hardware. They are for captures, and keep hardware receive offloads off.",
         "net/core/dev.c netdev_fix_features; ethtool(8) -k", judge_damaged_frames_delivered},
    Rule{"nic-receive-hash-off", "Does RPS compute a hash that the device has already?",
         "rx-hashing off and changeable on hardware with at least one rps_cpus mask set.",
         "Documentation/networking/scaling.rst; net/core/flow_dissector.c", judge_receive_hash},
    Rule{"nic-transmit-nocache-copy", "Is sent data copied around the CPU cache?",
         "tx-nocache-copy on. The kernel switched its default to off in 3.14 because most workloads lose by it.",
         "net/core/dev.c; ethtool(8) -k", judge_nocache_copy},
    Rule{"nic-udp-segmentation-off", "Could the device cut large UDP sends?",
         "tx-udp-segmentation off, not fixed and not asked for, while this host sends 10,000 datagrams/s between the "
         "samples. Only sends with UDP_SEGMENT gain, which the counters cannot tell apart.",
         "Documentation/networking/segmentation-offloads.rst; net/ipv4/udp_offload.c", judge_udp_segmentation},
};

} // namespace

std::span<const Rule> nic_feature_rules() { return rules; }

} // namespace netwright::advise
