// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about the way out: MTU, length of the transmit queue, drops and backlog of the queueing discipline.
#include "advise/nic_rules.h"
#include "advise/nic_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

// ── MTU ───────────────────────────────────────────────────────────────────────────────────────────────────────────

// A dot inside an interface name is a slash in sysctl's spelling.
std::string interface_key(std::string_view before, const Nic& nic, std::string_view after)
{
    std::string name = nic.name;
    std::ranges::replace(name, '.', '/');
    return fmt::format("{}.{}.{}", before, name, after);
}

Opinion judge_mtu_without_ipv6(const Nic& nic, const Case& about)
{
    constexpr std::uint32_t ipv6_minimum = 1280; // RFC 8200 section 5
    if (nic.loopback || !nic.up || nic.mtu == 0 || nic.mtu >= ipv6_minimum) return std::vector<Finding>{};
    const auto all = about.host.sysctls.number("net.ipv6.conf.all.disable_ipv6");
    if (!all || *all != 0) return std::vector<Finding>{}; // no IPv6 here at all
    const auto own = about.host.sysctls.number(interface_key("net.ipv6.conf", nic, "disable_ipv6"));
    if (own && *own != 0) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = fmt::format("The MTU of {} ({}) is too small for IPv6", nic.name, nic.mtu);
    finding.evidence = {{fmt::format("ip link show {}", nic.name), fmt::format("mtu {}", nic.mtu)},
                        {"sysctl net.ipv6.conf.all.disable_ipv6", "0"}};
    finding.why =
        "IPv6 needs 1280 bytes. Below, the kernel takes IPv6 off the interface, addresses and routes included "
        "(net/ipv6/addrconf.c, addrconf_notify).";
    finding.cost = "No IPv6 through this interface; clients fall back to IPv4 after a timeout.";
    finding.advice = {
        fmt::format("Raise it to 1280 or more if the path below carries that (ip link set {} mtu 1280), or "
                    "say that IPv6 is not wanted: sysctl {} = 1.",
                    nic.name, interface_key("net.ipv6.conf", nic, "disable_ipv6"))};
    finding.risk = Risk::Medium;
    finding.side_effects = "packets too large for a tunnel's path are fragmented or lost";
    return std::vector{std::move(finding)};
}

Opinion judge_bridge_mtu(const Nic& bridge, const Case& about)
{
    if (bridge.kind != "bridge" || !bridge.up || !about.host.nics) return std::vector<Finding>{};
    Finding finding;
    for (const Nic& member : *about.host.nics)
        if (member.master == bridge.index && member.up && member.mtu < bridge.mtu)
            finding.evidence.push_back({fmt::format("ip link show {}", member.name),
                                        fmt::format("mtu {}, bridge {}", member.mtu, bridge.mtu)});
    if (finding.evidence.empty()) return std::vector<Finding>{};
    finding.severity = Severity::Medium;
    finding.confidence = Confidence::Derived;
    finding.title = fmt::format("Ports of bridge {} have a smaller MTU than the bridge", bridge.name);
    finding.why = "A bridge does not fragment and sends no error: a frame longer than the port's MTU is dropped "
                  "silently (net/bridge/br_forward.c). By itself the bridge takes the smallest MTU of its ports; here "
                  "somebody set another.";
    finding.cost = "Small packets pass and large ones vanish: connections that open and then hang.";
    finding.advice = {
        fmt::format("Give all ports and the bridge one MTU: raise the ports', or ip link set {} mtu to the "
                    "smallest.",
                    bridge.name)};
    finding.risk = Risk::Medium;
    finding.side_effects = "some drivers reset the link when the MTU changes";
    return std::vector{std::move(finding)};
}

// ── queueing disciplines ──────────────────────────────────────────────────────────────────────────────────────────

const Qdisc* root_of(const Nic& nic, const Snapshot& host)
{
    for (const Qdisc& qdisc : *host.qdiscs)
        if (qdisc.nic == nic.name && qdisc.parent == "root" && qdisc.kind != "ingress" && qdisc.kind != "clsact")
            return &qdisc;
    return nullptr;
}

// What really queues: below mq, the kind of its first queue.
std::string_view kind_of(const Qdisc& root, const Snapshot& host)
{
    if (root.kind != "mq" && root.kind != "mqprio") return root.kind;
    const auto leaf = std::ranges::find_if(*host.qdiscs, [&](const Qdisc& qdisc) {
        return qdisc.nic == root.nic && qdisc.parent != "root" && qdisc.kind != "ingress" && qdisc.kind != "clsact";
    });
    return leaf == host.qdiscs->end() ? std::string_view(root.kind) : std::string_view(leaf->kind);
}

template <std::size_t N>
bool is_one_of(std::string_view kind, const std::array<std::string_view, N>& kinds)
{
    return std::ranges::find(kinds, kind) != kinds.end();
}

// They drop on purpose: to signal congestion early, to keep a rate, or to imitate a bad path.
constexpr std::array<std::string_view, 6> signalling{"fq_codel", "codel", "cake", "red", "pie", "fq_pie"};
constexpr std::array<std::string_view, 5> shaping{"tbf", "htb", "hfsc", "drr", "netem"};
constexpr std::array<std::string_view, 3> plain_fifos{"pfifo_fast", "pfifo", "bfifo"};

// Time that `bytes` need to leave at the link's speed, in ms; nothing when the speed is not known.
std::optional<double> drain_ms(double bytes, const Nic& nic)
{
    if (!nic.speed_mbit || *nic.speed_mbit == 0) return std::nullopt;
    return bytes * 8 / (static_cast<double>(*nic.speed_mbit) * 1000);
}

Opinion judge_qdisc_drops(const Nic& nic, const Case& about)
{
    if (!nic.up || nic.loopback) return std::vector<Finding>{};
    if (!about.host.qdiscs) return std::unexpected(about.host.qdiscs.error());
    const Qdisc* root = root_of(nic, about.host);
    if (root == nullptr || root->drops.total == 0) return std::vector<Finding>{};
    const std::string_view kind = kind_of(*root, about.host);
    auto severity = weigh_loss(root->drops, root->packets, about.host.interval);
    if (!severity || is_one_of(kind, shaping)) return std::vector<Finding>{};
    if (is_one_of(kind, signalling)) severity = Severity::Info;

    Finding finding;
    finding.severity = *severity;
    finding.confidence = confidence_of(root->drops);
    finding.title = fmt::format("The queue of {} ({}) drops packets before they are sent", nic.name, kind);
    finding.evidence = {
        {fmt::format("tc -s qdisc show dev {} dropped", nic.name), amount(root->drops, about.host.interval)},
        {fmt::format("tc -s qdisc show dev {} sent", nic.name), amount(root->packets, about.host.interval)}};
    finding.why = is_one_of(kind, signalling)
                      ? "This discipline drops packets on purpose, to tell senders early that the link is full."
                      : "More was handed to the interface than it can send, for longer than its queue can hold. For "
                        "UDP senders these drops appear as SndbufErrors.";
    finding.cost = "Retransmissions, and lost datagrams, on this host.";
    finding.advice = {
        "Pace the senders rather than lengthen the queue: fq with TCP's own pacing, SO_MAX_PACING_RATE for "
        "UDP; fq's flow_limit where one flow is meant to burst."};
    finding.risk = Risk::Low;
    finding.side_effects = "a longer queue turns loss into delay";
    return std::vector{std::move(finding)};
}

Opinion judge_qdisc_backlog(const Nic& nic, const Case& about)
{
    constexpr double long_ms = 50;
    constexpr std::uint32_t many_packets = 1000; // where the speed is not known: the default length of the queue
    if (!nic.up || nic.loopback) return std::vector<Finding>{};
    if (!about.host.qdiscs) return std::unexpected(about.host.qdiscs.error());
    const Qdisc* root = root_of(nic, about.host);
    if (root == nullptr) return std::vector<Finding>{};
    const std::string_view kind = kind_of(*root, about.host);
    const auto ms = drain_ms(static_cast<double>(root->backlog_bytes), nic);
    const bool waits = ms ? *ms >= long_ms : root->queued_packets >= many_packets;
    // fq holds paced packets until their time has come; shapers do the same by order.
    if (!waits || kind == "fq" || is_one_of(kind, shaping)) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Measured;
    finding.title = fmt::format("{} packets wait in the queue of {}", root->queued_packets, nic.name);
    finding.evidence = {{fmt::format("tc -s qdisc show dev {} backlog", nic.name),
                         fmt::format("{} packets, {}{}", root->queued_packets, to_text(Bytes{root->backlog_bytes}),
                                     ms ? fmt::format(", {:.0f} ms at the link's speed", *ms) : "")}};
    finding.why = "A plain queue lets one flow fill it; every other packet then waits behind that flow.";
    finding.cost = "Latency for all traffic that leaves here.";
    finding.advice = {fmt::format(
        "tc qdisc replace dev {} root fq_codel (or fq on a host that only sends its own traffic)", nic.name)};
    finding.risk = Risk::Low;
    finding.side_effects = "packets that wait are dropped when the discipline is replaced";
    return std::vector{std::move(finding)};
}

Opinion judge_long_transmit_queue(const Nic& nic, const Case& about)
{
    constexpr std::uint32_t usual = 1000, clearly_long = 5000;
    constexpr double felt_ms = 10;
    if (!working_hardware(nic) || nic.txqueuelen <= usual) return std::vector<Finding>{};
    if (!about.host.qdiscs) return std::unexpected(about.host.qdiscs.error());
    const Qdisc* root = root_of(nic, about.host);
    if (root == nullptr || !is_one_of(kind_of(*root, about.host), plain_fifos)) return std::vector<Finding>{};
    const auto ms = drain_ms(static_cast<double>(nic.txqueuelen) * nic.mtu, nic);
    if (ms ? *ms < felt_ms : nic.txqueuelen < clearly_long) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = fmt::format("The transmit queue of {} ({}) may hold {} packets", nic.name,
                                kind_of(*root, about.host), grouped(nic.txqueuelen));
    finding.evidence = {{fmt::format("ip link show {} qlen", nic.name), grouped(nic.txqueuelen)}};
    if (ms)
        finding.evidence.push_back(
            {"time to send a full queue",
             fmt::format("{:.0f} ms ({} x {} bytes at {} Mbit/s)", *ms, nic.txqueuelen, nic.mtu, *nic.speed_mbit)});
    finding.why = "txqueuelen is the length of the software queue, not of the NIC's ring, and has nothing to do with "
                  "receive drops. A longer one only lets more wait.";
    finding.cost = "Under load all traffic waits behind a full queue.";
    finding.risk = Risk::Low;
    finding.side_effects = "bursts beyond 1,000 packets are dropped instead of delayed";
    finding.remedy =
        set_device(LinkSetting{nic.name, LinkSetting::What::TxQueueLength}, static_cast<std::int64_t>(nic.txqueuelen),
                   static_cast<std::int64_t>(usual), "the kernel's default of 1,000 packets");
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"mtu-disables-ipv6", "Is an interface's MTU too small for IPv6?",
         "Interfaces that are up with less than 1280 bytes while IPv6 is not switched off for the host or the "
         "interface. Tunnels count too: the kernel takes IPv6 off them as well.",
         "RFC 8200 section 5; net/ipv6/addrconf.c", judge_mtu_without_ipv6},
    Rule{"bridge-mtu-mismatch", "Do a bridge and its ports disagree about the MTU?",
         "A port that is up with a smaller MTU than its bridge. Ports with a larger one are harmless.",
         "net/bridge/br_forward.c; net/bridge/br_if.c br_mtu_auto_adjust", judge_bridge_mtu},
    Rule{
        "qdisc-drops", "Does an interface's queue drop packets before they are sent?",
        "Drops of the root discipline as a share of what it sent. Disciplines that drop on purpose are Info (fq_codel, "
        "cake, red …) or left alone (shapers, netem).",
        "tc(8); net/sched/sch_generic.c", judge_qdisc_drops},
    Rule{"qdisc-backlog", "Do packets wait long in an interface's queue right now?",
         "More than 50 ms of the link's speed, or 1,000 packets where the speed is not known. fq and shapers hold "
         "packets back on purpose and are left alone.",
         "tc(8); net/sched/sch_generic.c", judge_qdisc_backlog},
    Rule{"txqueuelen-huge", "Is the transmit queue of a plain FIFO so long that it only adds delay?",
         "More than 1,000 packets that need 10 ms or more to leave (5,000 where the speed is not known), with "
         "pfifo_fast, "
         "pfifo or bfifo. Other disciplines ignore txqueuelen.",
         "ip-link(8); net/sched/sch_generic.c", judge_long_transmit_queue},
};

} // namespace

std::span<const Rule> nic_egress_rules() { return rules; }

} // namespace netwright::advise
