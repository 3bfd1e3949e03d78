// SPDX-License-Identifier: GPL-2.0-or-later
// What a connection does on its way: idle restarts, MTU black holes, data in the SYN, several paths.
#include "advise/remedy.h"

#include <fmt/format.h>

#include <array>

namespace netwright::advise {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds far = 10ms;      // a congestion window rebuilt from 10 segments costs several of these
constexpr Nanoseconds internet = 20ms; // beyond one site: somebody else's firewalls and tunnels are on the way

bool reuses_connections(const Case& about)
{
    return said(about, {Workload::WebServer, Workload::Proxy, Workload::Bulk, Workload::Streaming, Workload::Database});
}

Evidence rtt_evidence(const Answer<Nanoseconds>& rtt)
{
    return {"intent RTT", fmt::format("{} ({})", duration_text(rtt.value), rtt.reason)};
}

Opinion judge_idle_restart(const Case& about)
{
    const auto& rtt = about.intent.rtt;
    if (!rtt || rtt->value < far || !reuses_connections(about)) return std::vector<Finding>{};
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_slow_start_after_idle")) == 0) return std::vector<Finding>{};
    const std::string_view algorithm = TRY(about.host.sysctls.text("net.ipv4.tcp_congestion_control"));
    if (algorithm.starts_with("bbr")) return std::vector<Finding>{};
    Finding finding = finding_of(
        rtt->given ? Severity::Medium : Severity::Info, Confidence::Derived,
        fmt::format("Connections to peers {} away start slowly again after each pause", duration_text(rtt->value)));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_slow_start_after_idle"));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_congestion_control"));
    finding.evidence.push_back(rtt_evidence(*rtt));
    finding.why = fmt::format(
        "After a pause longer than the retransmission timeout {} halves the congestion window for each timeout "
        "passed, down to 10 segments. The next answer on that connection grows it again, a round trip a doubling.",
        algorithm);
    finding.cost =
        fmt::format("an answer of 1 MB takes some 6 round trips ({}) instead of 1 or 2", duration_text(rtt->value * 6));
    if (rtt->given)
        propose(finding, set_sysctl(about, "slow-start-after-idle", "net.ipv4.tcp_slow_start_after_idle",
                                    std::int64_t{0}, "keep the window that the connection had reached"));
    else
        finding.advice.emplace_back("say --rtt if peers that far away matter here: then netwright plans the change");
    finding.side_effects =
        "the first answer after a pause leaves as one burst into a path that may have changed; the fq qdisc paces it";
    return std::vector{std::move(finding)};
}

Opinion judge_mtu_probing(const Case& about)
{
    const auto& rtt = about.intent.rtt;
    if (!rtt || !rtt->given || rtt->value < internet) return std::vector<Finding>{};
    if (!said(about, {Workload::WebServer, Workload::Proxy, Workload::Bulk, Workload::CloudGuest}))
        return std::vector<Finding>{};
    if (TRY(about.host.sysctls.number("net.ipv4.tcp_mtu_probing")) != 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Convention,
                                 "Connections into a path that swallows large packets hang for good");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_mtu_probing"));
    finding.evidence.push_back(rtt_evidence(*rtt));
    finding.why = "Where a tunnel is narrower than both ends' MTU and a firewall drops the ICMP message that says so, "
                  "full-size segments "
                  "vanish. With tcp_mtu_probing=1 TCP tries smaller ones after repeated timeouts.";
    finding.cost = "a few clients connect, send a request, and never get the answer";
    propose(finding, set_sysctl(about, "mtu-probing-off", "net.ipv4.tcp_mtu_probing", std::int64_t{1},
                                "find the path's MTU by probing, only after a suspected black hole"));
    finding.advice.emplace_back(
        "allow ICMP 'fragmentation needed' and 'packet too big' through every firewall: that is the real cure");
    finding.side_effects = "on a path that only loses packets the segment size may shrink without need";
    return std::vector{std::move(finding)};
}

Opinion judge_mtu_probes_failing(const Case& about)
{
    const Counter failed = TRY(counter_of(about, "TcpExtTCPMTUPFail"));
    const Counter found = TRY(counter_of(about, "TcpExtTCPMTUPSuccess"));
    if (found.growth + failed.growth == 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Measured,
                                 "TCP searches for the MTU of a path: ICMP messages are being lost");
    for (const std::string_view name : {"TcpExtTCPMTUPFail", "TcpExtTCPMTUPSuccess"})
        note(finding, counter_evidence(about, name));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_mtu_probing"));
    finding.why = "Probing starts (in mode 1) only after timeouts that look like a black hole: full-size segments do "
                  "not arrive and no ICMP "
                  "message says why.";
    finding.cost = "seconds of stall on each such connection before it recovers";
    finding.advice = {
        "find the hop with the smaller MTU (tracepath) and let its ICMP messages through, or clamp the MSS there"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_fastopen_unused(const Case& about)
{
    const std::int64_t bits = TRY(about.host.sysctls.number("net.ipv4.tcp_fastopen"));
    const Counter passive = TRY(counter_of(about, "TcpExtTCPFastOpenPassive"));
    if ((bits & 2) == 0 || passive.total > 0) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Info, Confidence::Derived, "TCP Fast Open is enabled for servers, but nobody has used it");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_fastopen"));
    for (const std::string_view name : {"TcpExtTCPFastOpenPassive", "TcpExtTCPFastOpenCookieReqd"})
        note(finding, counter_evidence(about, name));
    finding.why = "The bit only permits it. A listener takes data in the SYN if it sets TCP_FASTOPEN itself (or bit "
                  "0x400 is set for all), "
                  "and the client's program must ask for it too.";
    finding.cost = "none: the setting has no effect so far";
    finding.advice = {
        "enable it in the server (nginx: listen … fastopen=N) only where a repeated first request does no harm"};
    finding.side_effects = "none: advice only";
    finding.security = "a SYN with data may be delivered twice; cookies prevent forged senders, not repetition";
    return std::vector{std::move(finding)};
}

Opinion judge_fastopen_overflow(const Case& about)
{
    const Counter full = TRY(counter_of(about, "TcpExtTCPFastOpenListenOverflow"));
    if (full.growth == 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Measured,
                                 "A listener's Fast Open queue is full: clients fall back to plain handshakes");
    note(finding, counter_evidence(about, "TcpExtTCPFastOpenListenOverflow"));
    note(finding, counter_evidence(about, "TcpExtTCPFastOpenPassive"));
    finding.why = "TCP_FASTOPEN on a listener is a queue length: that many connections with data in the SYN may wait "
                  "for the handshake's end.";
    finding.cost = "one more round trip for those clients";
    finding.advice = {"raise the number the program sets with TCP_FASTOPEN"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_mptcp_fallback(const Case& about)
{
    if (TRY(about.host.sysctls.number("net.mptcp.enabled")) == 0) return std::vector<Finding>{};
    const Counter asked = TRY(counter_of(about, "MPTcpExtMPCapableSYNRX"));
    const Counter fell = TRY(counter_of(about, "MPTcpExtMPCapableFallbackACK"));
    const auto active = counter_of(about, "MPTcpExtMPCapableFallbackSYNACK");
    const std::uint64_t growth = fell.growth + (active ? active->growth : 0);
    if (growth == 0) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, Confidence::Measured, "Multipath TCP connections fall back to plain TCP");
    for (const std::string_view name :
         {"MPTcpExtMPCapableSYNRX", "MPTcpExtMPCapableFallbackACK", "MPTcpExtMPCapableFallbackSYNACK"})
        note(finding, counter_evidence(about, name));
    finding.why = "The peer, or a middlebox that strips the option, did not complete the MPTCP handshake.";
    finding.cost =
        asked.growth > 0 ? "those connections use one path and break with it" : "outgoing connections use one path";
    finding.advice = {"capture a handshake on both ends: the option 30 that one end sends must arrive at the other"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"slow-start-after-idle", "Do reused connections over distance start slowly after each pause?",
         "Needs an RTT of 10 ms or more and a workload that was given and reuses connections (web server, proxy, bulk, "
         "streaming, "
         "database). BBR does not look at the setting, so hosts with it are left alone. Measured on a 50 ms path with "
         "cubic: a burst after "
         "a pause took 255 ms with the setting on, 59 ms with it off.",
         "include/net/tcp.h tcp_slow_start_after_idle_check; net/ipv4/tcp_output.c tcp_cwnd_restart",
         judge_idle_restart},
    Rule{"mtu-probing-off", "Would connections into an MTU black hole ever recover?",
         "A convention for hosts that serve the internet (workload and an RTT of 20 ms or more given): nothing on the "
         "host shows a black "
         "hole before somebody is in it. Mode 1 acts only after repeated timeouts; mode 2 is never proposed.",
         "RFC 4821; net/ipv4/tcp_timer.c tcp_mtu_probing", judge_mtu_probing},
    Rule{"mtu-probes-seen", "Does TCP search for the MTU of a path right now?",
         "Growth of TcpExt.TCPMTUPFail or TCPMTUPSuccess between two samples: a sign of lost ICMP messages, which is "
         "the thing to mend.",
         "net/ipv4/tcp_output.c tcp_mtu_probe", judge_mtu_probes_failing},
    Rule{"fastopen-unused", "Is TCP Fast Open enabled for servers without effect?",
         "Bit 2 of tcp_fastopen is set, and TcpExt.TCPFastOpenPassive is 0 since boot. Nothing is changed: it costs "
         "nothing.",
         "net/ipv4/tcp_fastopen.c tcp_try_fastopen; RFC 7413", judge_fastopen_unused},
    Rule{"fastopen-queue-full", "Do listeners refuse Fast Open because its queue is full?",
         "Growth of TcpExt.TCPFastOpenListenOverflow. The queue length is the program's TCP_FASTOPEN value.",
         "net/ipv4/tcp_fastopen.c tcp_fastopen_queue_check", judge_fastopen_overflow},
    Rule{"mptcp-fallback", "Do Multipath TCP connections fall back to plain TCP?",
         "Growth of the MPTcpExt fallback counters. net.mptcp.enabled only permits MPTCP sockets and is on by default; "
         "it does not make "
         "plain TCP use several paths, so its state alone is no finding.",
         "net/mptcp/protocol.c; Documentation/networking/mptcp-sysctl.rst", judge_mptcp_fallback},
};

} // namespace

std::span<const Rule> path_rules() { return rules; }

} // namespace netwright::advise
