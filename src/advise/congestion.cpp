// SPDX-License-Identifier: GPL-2.0-or-later
// Congestion control, its pairing with the qdisc, losses, and how TCP repairs them.
//
// Congestion control is the sender's own choice; nothing is agreed with the peer. BBR needs pacing: fq does it, and
// since 4.13 TCP paces by itself with a timer per socket where there is no fq, which works and costs CPU
// (net/ipv4/tcp_output.c, tcp_pacing_check).
#include "advise/remedy.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr KernelVersion paces_itself{4, 13, 0};
constexpr double lossy = 0.005;                   // of bytes sent again: cubic's throughput falls off at long RTTs
constexpr double busy_loss = 0.01;                // of segments, over the whole host
constexpr std::uint64_t least_bytes = 10'000'000; // sent: fewer say nothing about loss
constexpr std::uint64_t long_path_us = 20'000;
constexpr std::uint64_t least_segments = 1000;                  // sent between the two samples
constexpr std::uint64_t least_queued = 1'000'000;               // bytes sent: fewer keep no queue standing
constexpr std::uint64_t standing_us = 50'000, times_longer = 3; // of the median round trip, above the smallest ones
constexpr std::uint64_t least_repairs = 100;                    // between the two samples
constexpr double spurious_share = 0.3;

bool is_bbr(std::string_view algorithm) { return algorithm.starts_with("bbr"); }
bool loss_based(std::string_view algorithm) { return algorithm == "cubic" || algorithm == "reno"; }

// The interfaces that carry traffic out: hardware, or whatever the default route leaves through.
bool egress(const Case& about, const Nic& nic)
{
    if (nic.loopback || !nic.up) return false;
    if (nic.physical) return true;
    if (!about.host.routes) return false;
    return std::ranges::any_of(*about.host.routes, [&](const Route& route) {
        return route.destination == "default" && route.nic == nic.name;
    });
}

// The qdiscs that hold packets on this interface: mq and its like only hand on to their children.
std::vector<std::string_view> queueing(const std::vector<Qdisc>& qdiscs, std::string_view nic)
{
    std::vector<std::string_view> kinds;
    for (const Qdisc& qdisc : qdiscs) {
        if (qdisc.nic != nic || qdisc.kind == "mq" || qdisc.kind == "ingress" || qdisc.kind == "clsact") continue;
        if (std::ranges::find(kinds, qdisc.kind) == kinds.end()) kinds.emplace_back(qdisc.kind);
    }
    return kinds;
}

// Did the kernel's own configuration show it? Where that could not be read, nothing is proposed.
bool has_fq(const Snapshot& host)
{
    if (!host.kernel.config) return false;
    const auto option = std::ranges::find(*host.kernel.config, "CONFIG_NET_SCH_FQ", &ConfigOption::name);
    return option != host.kernel.config->end() && (option->value == "y" || option->value == "m");
}

// A timer for each socket begins to cost at many Gbit/s. Only a qdisc that nobody chose, on one queue, is replaced:
// what is set is somebody's, and an mq wants one for each queue.
std::optional<Change> fq_change(const Nic& nic, const Case& about)
{
    constexpr BitRate fast = 10_Gbit;
    const auto& bandwidth = about.intent.bandwidth;
    const auto root = std::ranges::find_if(
        *about.host.qdiscs, [&](const Qdisc& one) { return one.nic == nic.name && one.parent == "root"; });
    const bool chosen_by_kernel = root != about.host.qdiscs->end() && root->handle == "0:" && root->kind != "mq";
    if (!bandwidth || !bandwidth->given || bandwidth->value < fast || !chosen_by_kernel || !has_fq(about.host))
        return std::nullopt;
    Change change;
    change.tunable = QdiscPlace{nic.name, "root"};
    change.to = std::string("fq");
    change.why =
        fmt::format("fq paces BBR's connections with one timer for the queue, at {}", to_text(bandwidth->value));
    change.risk = Risk::Medium;
    change.reach = Reach::Device;
    change.interrupts = true;
    return change;
}

std::vector<std::string> ways_to_fq(const Nic& nic, const Snapshot& host)
{
    if (host.kernel.config && !has_fq(host))
        return {"nothing here: this kernel was built without fq (CONFIG_NET_SCH_FQ)"};
    return {fmt::format("netwright set qdisc/{}/root fq (an mq device: mq, and fq for each qdisc/{}/tx-N); it drops "
                        "what is queued",
                        nic.name, nic.name),
            "net.core.default_qdisc=fq makes it so for devices created later"};
}

Opinion judge_bbr_without_fq(const Nic& nic, const Case& about)
{
    const std::string_view algorithm = TRY(about.host.sysctls.text("net.ipv4.tcp_congestion_control"));
    if (!is_bbr(algorithm) || !egress(about, nic)) return std::vector<Finding>{};
    if (!about.host.qdiscs) return std::unexpected(about.host.qdiscs.error());
    const auto kinds = queueing(*about.host.qdiscs, nic.name);
    if (kinds.empty() || std::ranges::find(kinds, "fq") != kinds.end()) return std::vector<Finding>{};
    const bool old = about.host.kernel.version && *about.host.kernel.version < paces_itself;
    Finding finding = finding_of(old ? Severity::Medium : Severity::Info, Confidence::Derived,
                                 fmt::format("BBR sends through {} without the fq qdisc", nic.name));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_congestion_control"));
    finding.evidence.push_back({fmt::format("qdisc of {}", nic.name), fmt::format("{}", fmt::join(kinds, ", "))});
    finding.why =
        old ? "Before 4.13 BBR's pacing is done by fq alone: without it BBR sends in bursts that overrun the path."
            : "BBR paces what it sends. Without fq each socket arms its own timer: correct, but it costs CPU at high "
              "rates.";
    finding.cost =
        old ? "losses in shallow buffers, and less throughput" : "some CPU time at many Gbit/s; nothing at low rates";
    finding.advice = ways_to_fq(nic, about.host);
    finding.side_effects = "none: advice only";
    if (auto change = fq_change(nic, about)) {
        finding.remedy = {*std::move(change)};
        finding.risk = Risk::Medium;
        finding.side_effects = "what waits in the old queue is dropped, once";
    }
    return std::vector{std::move(finding)};
}

struct Losses {
    std::uint64_t sent = 0, again = 0;
    Distribution rtt_us;
};

Losses losses_of_loss_based(const Case& about)
{
    Losses losses;
    for (const ConnectionGroup& group : about.host.sockets->established) {
        if (!loss_based(group.congestion_control)) continue;
        losses.sent += group.bytes_sent;
        losses.again += group.bytes_retransmitted;
        losses.rtt_us.merge(group.min_rtt_us);
    }
    return losses;
}

bool has_bbr(std::string_view available)
{
    const auto words = split_words(available);
    return std::ranges::find(words, "bbr") != words.end();
}

// BBR is worth it for hosts that send over distance; a router's or a LAN database's own sending does not matter.
bool sends_far(const Case& about)
{
    constexpr std::array far{Workload::WebServer, Workload::Bulk, Workload::Proxy, Workload::CloudGuest,
                             Workload::General};
    return std::ranges::any_of(far, [&](Workload one) { return serves(about.intent, one); });
}

struct LossyPath {
    double loss = 0;
    std::uint64_t rtt_us = 0;
    Confidence confidence = Confidence::Derived;
    std::string source;
};

std::optional<LossyPath> lossy_path(const Case& about)
{
    if (about.intent.loss && about.intent.rtt && about.intent.loss->given)
        return LossyPath{about.intent.loss->value, static_cast<std::uint64_t>(about.intent.rtt->value.count() / 1000),
                         Confidence::Derived, "intent: " + about.intent.loss->reason};
    if (!about.host.sockets) return std::nullopt;
    const Losses losses = losses_of_loss_based(about);
    if (losses.sent < least_bytes) return std::nullopt;
    return LossyPath{static_cast<double>(losses.again) / static_cast<double>(losses.sent), losses.rtt_us.quantile(0.5),
                     Confidence::Measured,
                     "tcp_info bytes_retrans / bytes_sent, established cubic and reno connections"};
}

// Does this host send far by a loss-based algorithm, and has BBR?
Result<bool> could_use_bbr(const Case& about)
{
    const std::string_view algorithm = TRY(about.host.sysctls.text("net.ipv4.tcp_congestion_control"));
    if (!loss_based(algorithm) || !sends_far(about)) return false;
    return has_bbr(TRY(about.host.sysctls.text("net.ipv4.tcp_available_congestion_control")));
}

Opinion judge_lossy_path(const Case& about)
{
    if (!TRY(could_use_bbr(about))) return std::vector<Finding>{};
    const std::string_view algorithm = TRY(about.host.sysctls.text("net.ipv4.tcp_congestion_control"));
    const auto path = lossy_path(about);
    if (!path && !about.host.sockets) return std::unexpected(about.host.sockets.error());
    if (!path || path->loss < lossy || path->rtt_us < long_path_us) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Medium, path->confidence,
                   fmt::format("{} backs off on a long path that loses {:.1f} %", algorithm, path->loss * 100));
    finding.evidence.push_back({path->source, fmt::format("{:.2f} %", path->loss * 100)});
    finding.evidence.push_back(
        {"round trip of these connections", duration_text(std::chrono::microseconds(path->rtt_us))});
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_available_congestion_control"));
    finding.why = "cubic and reno take every loss for congestion and shrink the window; over a long round trip it "
                  "grows back slowly. "
                  "BBR models the path's bandwidth and delay instead and keeps sending through random loss.";
    finding.cost = "connections run at a fraction of the bandwidth the path has";
    propose(finding, set_sysctl(about, "lossy-path-loss-based", "net.ipv4.tcp_congestion_control", std::string("bbr"),
                                fmt::format("{:.1f} % loss at {} favours a model-based algorithm", path->loss * 100,
                                            duration_text(std::chrono::microseconds(path->rtt_us)))));
    finding.advice = {"compare goodput and retransmissions before and after; keep it only if it earns its place",
                      "load tcp_bbr at boot (modules-load.d) if it is a module; pair it with the fq qdisc"};
    finding.side_effects =
        "new connections only; BBR can send more retransmissions and take more than its share beside cubic where "
        "buffers are shallow";
    return std::vector{std::move(finding)};
}

// The loss-based connections whose packets wait longest in queues on the way.
const ConnectionGroup* standing_queue(const std::vector<ConnectionGroup>& groups)
{
    for (const ConnectionGroup& group : groups) {
        if (!loss_based(group.congestion_control) || group.bytes_sent < least_queued) continue;
        const std::uint64_t now = group.rtt_us.quantile(0.5), least = group.min_rtt_us.quantile(0.5);
        if (least > 0 && now >= times_longer * least && now - least >= standing_us) return &group;
    }
    return nullptr;
}

Opinion judge_standing_queue(const Case& about)
{
    if (!TRY(could_use_bbr(about))) return std::vector<Finding>{};
    if (!about.host.sockets) return std::unexpected(about.host.sockets.error());
    const ConnectionGroup* const group = standing_queue(about.host.sockets->established);
    if (!group) return std::vector<Finding>{};
    const auto text_of = [](const Distribution& times) {
        return duration_text(std::chrono::microseconds(times.quantile(0.5)));
    };
    const std::string now = text_of(group->rtt_us), least = text_of(group->min_rtt_us);
    Finding finding = finding_of(Severity::Medium, Confidence::Measured,
                                 fmt::format("{} keeps a queue standing: round trips of {} on paths of {}",
                                             group->congestion_control, now, least));
    finding.evidence.push_back(
        {fmt::format("tcp_info of {} connections by {}", group->connections, group->congestion_control),
         fmt::format("median rtt {}, median min_rtt {}", now, least)});
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_available_congestion_control"));
    finding.why =
        "cubic and reno send more until a buffer on the way overflows, so a deep one stays full, and everything "
        "behind it waits as well. BBR keeps about as much in flight as the path itself holds.";
    finding.cost = "every request beside bulk data waits for the whole queue (bufferbloat)";
    propose(finding,
            set_sysctl(about, "tcp-standing-queue", "net.ipv4.tcp_congestion_control", std::string("bbr"),
                       fmt::format("round trips of {} where {} are possible: the queue is our own data", now, least)));
    finding.advice = {
        "where the bottleneck is a link of yours, mend it there: cake, fq_codel or a shorter queue at that link",
        "compare the requests' latency and the goodput before and after; keep it only if it earns its place"};
    finding.side_effects =
        "new connections only; BBR can take more than its share beside cubic where buffers are shallow, and less "
        "where they are deep";
    return std::vector{std::move(finding)};
}

// What peers report as received twice (DSACK): nothing of it was lost. One report may be of several segments.
std::uint64_t needless_repeats(const Case& about)
{
    for (const std::string_view name : {"TcpExtTCPDSACKRecvSegs", "TcpExtTCPDSACKRecv"})
        if (const auto counter = counter_of(about, name)) return counter->growth;
    return 0;
}

Opinion judge_retransmits(const Case& about)
{
    const Counter again = TRY(counter_of(about, "TcpRetransSegs"));
    const Counter sent = TRY(counter_of(about, "TcpOutSegs"));
    if (sent.growth < least_segments) return std::vector<Finding>{};
    const std::uint64_t lost = again.growth - std::min(again.growth, needless_repeats(about));
    const double share = static_cast<double>(lost) / static_cast<double>(sent.growth);
    if (share < busy_loss) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Medium, Confidence::Measured,
                                 fmt::format("{:.1f} % of the TCP segments are sent again", share * 100));
    for (const std::string_view name :
         {"TcpRetransSegs", "TcpExtTCPDSACKRecv", "TcpOutSegs", "TcpExtTCPLostRetransmit", "TcpExtTCPTimeouts"})
        note(finding, counter_evidence(about, name));
    finding.why = "Segments do not arrive, or their acknowledgements do not. Repeats that peers had no need of (DSACK) "
                  "are left out; above 1 % something on the way drops.";
    finding.cost = "lower throughput, and stalls of 200 ms and more at the end of transfers";
    finding.advice = {
        "find the layer that drops: this host's NIC, qdisc and softirq counters first, then the path (mtr both ways)",
        "a policer on the way drops in proportion to bursts: fq with pacing helps"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_spurious(const Case& about)
{
    const Counter again = TRY(counter_of(about, "TcpRetransSegs"));
    const Counter needless = TRY(counter_of(about, "TcpExtTCPDSACKRecv"));
    if (again.growth < least_repairs) return std::vector<Finding>{};
    const double share = static_cast<double>(needless.growth) / static_cast<double>(again.growth);
    if (share < spurious_share) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, Confidence::Measured,
                   fmt::format("{:.0f} % of the retransmissions were not needed", std::min(share, 1.0) * 100));
    for (const std::string_view name :
         {"TcpExtTCPDSACKRecv", "TcpRetransSegs", "TcpExtTCPSACKReorder", "TcpExtTCPSpuriousRTOs"})
        note(finding, counter_evidence(about, name));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_reordering"));
    finding.why = "Peers report (DSACK) that they received segments twice: packets were reordered or acknowledgements "
                  "late, not lost.";
    finding.cost = "bandwidth, and congestion windows that shrink without congestion";
    finding.advice = {"look for per-packet load balancing, round-robin bonding or receive steering that moves flows",
                      "check routes for a small rto_min; keep tcp_recovery, tcp_dsack and tcp_timestamps on"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

struct Repair {
    std::string_view key;
    std::int64_t least, normal;
    std::string_view what;
};
constexpr std::array repairs{
    Repair{"net.ipv4.tcp_early_retrans", 3, 3,
           "tail-loss probes: a lost last segment waits for a timeout of 200 ms or more"},
    Repair{"net.ipv4.tcp_recovery", 1, 1, "RACK: lost retransmissions and reordering are told apart by time"},
    Repair{"net.ipv4.tcp_dsack", 1, 1, "DSACK: peers no longer learn that a retransmission was needless"},
    Repair{"net.ipv4.tcp_frto", 1, 2, "F-RTO: a timeout that was only delay cannot be undone"},
};

Opinion judge_recovery_off(const Case& about)
{
    std::vector<Finding> findings;
    for (const Repair& repair : repairs) {
        const auto now = about.host.sysctls.number(repair.key);
        if (!now && now.error().kind == Error::Kind::Absent) continue;
        if (TRY(std::as_const(now)) >= repair.least) continue;
        Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                     fmt::format("A repair of lost segments is switched off ({})", repair.key));
        finding.subject = repair.key;
        note(finding, sysctl_evidence(about, repair.key));
        finding.why = fmt::format("What is missing is {}.", repair.what);
        finding.cost = "slower recovery from losses and from reordering";
        propose(finding, set_sysctl(about, "tcp-recovery-off", repair.key, repair.normal, "the kernel's default"));
        finding.side_effects = "none known";
        findings.push_back(std::move(finding));
    }
    return findings;
}

Opinion judge_pmtu_discovery(const Case& about)
{
    const std::int64_t mode = TRY(about.host.sysctls.number("net.ipv4.ip_no_pmtu_disc"));
    if (mode != 1 && mode != 2) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived, "Path MTU discovery is switched off");
    note(finding, sysctl_evidence(about, "net.ipv4.ip_no_pmtu_disc"));
    note(finding, counter_evidence(about, "IpFragCreates"));
    finding.why =
        mode == 1 ? "After any ICMP 'fragmentation needed' the kernel falls back to the smallest path MTU (552 bytes)."
                  : "Packets leave without the don't-fragment bit, and routers cut them into fragments.";
    finding.cost = "fragments are slower, and lost when one of them is";
    propose(finding, set_sysctl(about, "pmtu-discovery-off", "net.ipv4.ip_no_pmtu_disc", std::int64_t{0},
                                "discover path MTUs, the kernel's default"));
    finding.advice.emplace_back("if large packets hang, allow ICMP 'fragmentation needed' or set tcp_mtu_probing=1");
    finding.side_effects = "paths that swallow ICMP show up as stalls: tcp_mtu_probing=1 gets over them";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"bbr-without-fq", "Does BBR send through an interface without fq?",
         "Looks at interfaces that are hardware or carry a default route, and at the qdisc that queues there (below "
         "mq). Since 4.13 TCP "
         "paces by itself, so it is an info; on older kernels Medium. A qdisc is never replaced on its own: it drops "
         "what is queued, and "
         "a tree somebody built would be lost.",
         "net/ipv4/tcp_bbr.c; net/ipv4/tcp_output.c tcp_pacing_check", judge_bbr_without_fq},
    Rule{"lossy-path-loss-based", "Does a loss-based algorithm face a long path with random loss?",
         "Loss from 0.5 % on, given with --loss or measured over at least 10 MB that cubic and reno connections sent, "
         "and a round trip "
         "from 20 ms on. BBR is offered only if this kernel lists it as available and the host sends over distance; "
         "never for routers, "
         "databases or latency-bound hosts. It is a choice to be measured, hence its risk.",
         "net/ipv4/tcp_bbr.c; net/ipv4/tcp_cubic.c", judge_lossy_path},
    Rule{"tcp-standing-queue", "Do this host's own connections keep a queue full on the way?",
         "The median smoothed round trip of established cubic or reno connections that sent 1 MB and more, against "
         "the median of their smallest ones (of the last tcp_min_rtt_wlen seconds): three times and 50 ms more is a "
         "queue, and larger than a delayed acknowledgement. BBR is offered as for lossy paths.",
         "net/ipv4/tcp_input.c tcp_update_rtt_min; net/ipv4/tcp_bbr.c", judge_standing_queue},
    Rule{"tcp-retransmits", "Is more than 1 % of what TCP sends sent again?",
         "Growth of Tcp.RetransSegs against Tcp.OutSegs between two samples, with at least 1,000 segments sent. Totals "
         "since boot are "
         "ignored: they mix all paths and times. No setting of a host mends a path that drops.",
         "net/ipv4/tcp_output.c __tcp_retransmit_skb", judge_retransmits},
    Rule{"tcp-spurious-retransmits", "Are retransmissions needless?",
         "Peers report duplicates by DSACK (TcpExt.TCPDSACKRecv). From 30 % of the retransmissions on, and at least "
         "100 of them between "
         "two samples, reordering or late acknowledgements are the cause.",
         "net/ipv4/tcp_input.c tcp_check_dsack", judge_spurious},
    Rule{"tcp-recovery-off", "Is one of TCP's repairs of losses switched off?",
         "tcp_early_retrans below 3, tcp_recovery, tcp_dsack or tcp_frto at 0. All are on by default; keys this kernel "
         "does not show are "
         "passed over.",
         "Documentation/networking/ip-sysctl.rst; RFC 8985; RFC 2883; RFC 5682", judge_recovery_off},
    Rule{"pmtu-discovery-off", "Is path MTU discovery switched off?",
         "ip_no_pmtu_disc at 1 or 2 trades stalls for fragments everywhere. 0 (the default) and 3 (hardened) are left "
         "alone.",
         "net/ipv4/route.c; Documentation/networking/ip-sysctl.rst", judge_pmtu_discovery},
};

} // namespace

std::span<const Rule> congestion_rules() { return rules; }

} // namespace netwright::advise
