// SPDX-License-Identifier: GPL-2.0-or-later
// Settings that weaken the host: guards that were switched off, and doors that stand open.
//
// What a guard of the kernel's defaults has lost is a finding with a remedy. What the defaults themselves leave open
// (redirects, rp_filter) is at most a convention and an info: the owner decides. Forwarding and rp_filter belong to
// whoever routes here: container runtimes, Kubernetes, VPNs, policy routing.
#include "advise/remedy.h"
#include "advise/settings.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

// A switch that is on by default, and what its absence opens.
struct Guard {
    std::string_view rule, key;
    std::int64_t normal;
    Severity severity;
    std::string_view title, why, cost, side_effects, security;
};

constexpr Guard syncookies{
    "syncookies-off",
    "net.ipv4.tcp_syncookies",
    1,
    Severity::High,
    "SYN cookies are off: a small SYN flood closes every listener",
    "When a listener's SYN queue is full, the kernel can answer with a cookie instead of keeping state. Switched off, "
    "it drops the SYN "
    "of everybody. Cookies cost nothing until a queue is full.",
    "a few hundred forged packets a second take a service off the network",
    "none in normal operation; connections from a cookie keep window scaling and SACK only with timestamps",
    "restores the defence against SYN floods"};
constexpr Guard timestamps{"tcp-timestamps-off",
                           "net.ipv4.tcp_timestamps",
                           1,
                           Severity::Medium,
                           "TCP timestamps are off",
                           "Timestamps reject old segments once the sequence numbers have wrapped (3.4 s at 10 "
                           "Gbit/s), measure round trips of retransmitted "
                           "data, and are what tcp_tw_reuse and SYN-cookie connections depend on. Since 4.10 each "
                           "connection has a random offset: "
                           "they do not tell the uptime.",
                           "a risk to data on fast links, slower recovery from loss, no tcp_tw_reuse",
                           "12 bytes in each segment; new connections only",
                           "brings back protection against old and forged segments"};
constexpr Guard sack{"tcp-sack-off",
                     "net.ipv4.tcp_sack",
                     1,
                     Severity::Medium,
                     "Selective acknowledgements (SACK) are off",
                     "Without SACK the sender learns of one hole a round trip. It was switched off in 2019 against "
                     "CVE-2019-11477, which all kernels since "
                     "then have mended.",
                     "every burst of losses costs many round trips or a timeout",
                     "none on mended kernels; new connections only",
                     "safe on every kernel with the fixes of June 2019"};
constexpr Guard broadcasts{"icmp-broadcast-answered",
                           "net.ipv4.icmp_echo_ignore_broadcasts",
                           1,
                           Severity::Low,
                           "The host answers pings to broadcast addresses",
                           "One forged packet to a network's broadcast address makes all its hosts answer the victim.",
                           "this host can be used to multiply an attack",
                           "none: ping to broadcast addresses is not answered",
                           "closes an amplifier"};

Opinion judge_guard(const Case& about, const Guard& guard)
{
    if (TRY(about.host.sysctls.number(guard.key)) != 0) return std::vector<Finding>{};
    Finding finding = finding_of(guard.severity, Confidence::Derived, std::string(guard.title));
    note(finding, sysctl_evidence(about, guard.key));
    note_setter(about, guard.key, finding);
    finding.why = guard.why;
    finding.cost = guard.cost;
    propose(finding, set_sysctl(about, guard.rule, guard.key, guard.normal, "the kernel's default"));
    finding.side_effects = guard.side_effects;
    finding.security = guard.security;
    return std::vector{std::move(finding)};
}

Opinion judge_syncookies(const Case& about) { return judge_guard(about, syncookies); }
Opinion judge_timestamps(const Case& about) { return judge_guard(about, timestamps); }
Opinion judge_sack(const Case& about) { return judge_guard(about, sack); }
Opinion judge_broadcasts(const Case& about) { return judge_guard(about, broadcasts); }

// An interface's switch: "net.ipv4.conf.eth0.rp_filter"; a dot inside the name is a slash.
std::string conf(std::string_view nic, std::string_view what, std::string_view family = "ipv4")
{
    std::string name(nic);
    std::ranges::replace(name, '.', '/');
    return fmt::format("net.{}.conf.{}.{}", family, name, what);
}

bool forwards(const Case& about) { return about.host.sysctls.number("net.ipv4.ip_forward").value_or(0) != 0; }

// Hosts take redirects if `all` or the interface says so; with forwarding on, both must (inetdevice.h,
// IN_DEV_RX_REDIRECTS).
Result<bool> takes_redirects(const Case& about, const Nic& nic)
{
    const bool all = TRY(about.host.sysctls.number(conf("all", "accept_redirects"))) != 0;
    const bool own = TRY(about.host.sysctls.number(conf(nic.name, "accept_redirects"))) != 0;
    return forwards(about) ? all && own : all || own;
}

// IPv6 asks the interface alone, and not at all where it forwards; `all` is not looked at (net/ipv6/route.c,
// rt6_do_redirect). No such key: no IPv6 there.
bool takes_redirects6(const Case& about, const Nic& nic)
{
    const auto own = [&](std::string_view what) {
        return about.host.sysctls.number(conf(nic.name, what, "ipv6")).value_or(0) != 0;
    };
    return own("accept_redirects") && !own("forwarding") && !own("disable_ipv6");
}

bool judged(const Nic& nic) { return !nic.loopback && nic.up && nic.physical; }

struct RedirectFamily {
    std::string_view name, counter;
    std::vector<std::string> keys;
};

std::vector<RedirectFamily> families_that_believe(const Nic& nic, const Case& about, bool ipv4)
{
    std::vector<RedirectFamily> open;
    const std::string own = conf(nic.name, "accept_redirects"), own6 = conf(nic.name, "accept_redirects", "ipv6");
    if (ipv4) open.push_back({"IPv4", "IcmpInRedirects", {conf("all", "accept_redirects"), own}});
    if (takes_redirects6(about, nic)) open.push_back({"IPv6", "Icmp6InRedirects", {own6}});
    return open;
}

Opinion judge_redirects_accepted(const Nic& nic, const Case& about)
{
    if (!judged(nic)) return std::vector<Finding>{};
    const auto families = families_that_believe(nic, about, TRY(takes_redirects(about, nic)));
    if (families.empty()) return std::vector<Finding>{};
    const bool router = forwards(about);
    std::string names, switches;
    for (const RedirectFamily& family : families) {
        names += fmt::format("{}{}", names.empty() ? "" : " and ", family.name);
        for (const std::string& key : family.keys)
            switches += fmt::format("{}{}=0", switches.empty() ? "" : ", ", key);
    }
    Finding finding = finding_of(router ? Severity::Low : Severity::Info, Confidence::Convention,
                                 fmt::format("{} believes ICMP redirects ({})", nic.name, names));
    for (const RedirectFamily& family : families) {
        for (const std::string& key : family.keys)
            note(finding, sysctl_evidence(about, key));
        note(finding, counter_evidence(about, family.counter));
    }
    finding.why = "A redirect tells the host to send traffic for an address through another router of the segment. The "
                  "kernel's default is to "
                  "believe it; servers have no use for it.";
    finding.cost = "somebody on the same segment can pull traffic through his own machine";
    finding.advice = {fmt::format("if no router here relies on them: {}", switches)};
    finding.side_effects = "none: advice only";
    finding.security = "open to route changes from the local segment";
    return std::vector{std::move(finding)};
}

Opinion judge_redirects_sent(const Nic& nic, const Case& about)
{
    if (!judged(nic) || !forwards(about) || !said(about, {Workload::Gateway})) return std::vector<Finding>{};
    const bool all = TRY(about.host.sysctls.number(conf("all", "send_redirects"))) != 0;
    const bool own = TRY(about.host.sysctls.number(conf(nic.name, "send_redirects"))) != 0;
    if (!all && !own) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Convention,
                                 fmt::format("The gateway sends ICMP redirects through {}", nic.name));
    for (const std::string& key : {conf("all", "send_redirects"), conf(nic.name, "send_redirects")})
        note(finding, sysctl_evidence(about, key));
    note(finding, counter_evidence(about, "IcmpOutRedirects"));
    finding.why = "A router that forwards a packet back out of the interface it came from tells the sender a shorter "
                  "way. On one-armed gateways and "
                  "load balancers that way leads around them.";
    finding.cost = "clients bypass the gateway, or learn about the network behind it";
    for (const std::string& key : {conf("all", "send_redirects"), conf(nic.name, "send_redirects")})
        propose(finding,
                set_sysctl(about, "redirects-sent", key, std::int64_t{0}, "both 'all' and the interface must be 0"));
    finding.side_effects = "hosts on a segment with two routers keep the longer way";
    finding.security = "tells the segment nothing about routes";
    return std::vector{std::move(finding)};
}

// Source routes are taken only if `all` and the interface allow them: the defaults (0 and 1) do not.
Opinion judge_source_routes(const Case& about)
{
    const std::string key = conf("all", "accept_source_route");
    if (TRY(about.host.sysctls.number(key)) != 1) return std::vector<Finding>{};
    if (!about.host.nics) return std::unexpected(about.host.nics.error());
    std::vector<std::string> open;
    for (const Nic& nic : *about.host.nics)
        if (!nic.loopback && about.host.sysctls.number(conf(nic.name, "accept_source_route")).value_or(0) == 1)
            open.push_back(nic.name);
    if (open.empty()) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Medium, Confidence::Derived,
                   fmt::format("Packets may choose their own way through this host ({})", fmt::join(open, ", ")));
    note(finding, sysctl_evidence(about, key));
    finding.evidence.push_back({"interfaces that take source routes too", fmt::format("{}", fmt::join(open, ", "))});
    note_setter(about, key, finding);
    finding.why = "A source-routed packet names the routers it wants to pass. Nothing legitimate uses it today; it "
                  "walks around filters.";
    finding.cost = "filters that rely on the path of a packet do not hold";
    propose(finding, set_sysctl(about, "source-routing-accepted", key, std::int64_t{0}, "the kernel's default"));
    finding.side_effects = "none known";
    finding.security = "closes a way around filters";
    return std::vector{std::move(finding)};
}

// IPv6 has no source routes any more (RFC 5095; accept_source_route lets only Mobile IPv6's type 2 through). Segment
// routing is the same thing again: a packet that names the hosts it wants to pass. Needs seg6_enabled for `all` and the
// interface (net/ipv6/exthdrs.c, ipv6_srh_rcv).
Opinion judge_segment_routes(const Nic& nic, const Case& about)
{
    const auto all = about.host.sysctls.number(conf("all", "seg6_enabled", "ipv6"));
    const auto own = about.host.sysctls.number(conf(nic.name, "seg6_enabled", "ipv6"));
    const std::string hmac = conf(nic.name, "seg6_require_hmac", "ipv6");
    const bool proven = about.host.sysctls.number(hmac).value_or(0) == 1; // only packets that prove who made them
    if (!judged(nic) || all.value_or(0) == 0 || own.value_or(0) == 0 || proven) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, Confidence::Derived,
                   fmt::format("IPv6 packets that come in through {} may choose their own way", nic.name));
    for (const std::string& key : {conf("all", "seg6_enabled", "ipv6"), conf(nic.name, "seg6_enabled", "ipv6"), hmac})
        note(finding, sysctl_evidence(about, key));
    note_setter(about, conf("all", "seg6_enabled", "ipv6"), finding);
    finding.why = "A segment routing header names the hosts that a packet wants to pass, and this host passes it on. "
                  "Off by default; a domain that uses it is meant to drop such packets at its border (RFC 8754).";
    finding.cost = "from outside such a domain, packets walk around filters that rely on their path";
    finding.advice = {fmt::format("on an interface at the border, or where nobody uses segment routing: {}=0; else "
                                  "{}=1 takes only packets with a valid HMAC",
                                  conf(nic.name, "seg6_enabled", "ipv6"), hmac)};
    finding.side_effects = "none: advice only";
    finding.security = "a way around filters, open to whoever reaches this interface";
    return std::vector{std::move(finding)};
}

bool has_default_route(const Case& about, const Nic& nic)
{
    return std::ranges::any_of(*about.host.routes, [&](const Route& route) {
        return route.family == "ipv4" && route.destination == "default" && route.nic == nic.name;
    });
}

Result<std::int64_t> source_check(const Case& about, std::string_view nic)
{
    const std::int64_t all = TRY(about.host.sysctls.number(conf("all", "rp_filter")));
    return std::max(all, TRY(about.host.sysctls.number(conf(nic, "rp_filter"))));
}

Opinion judge_source_check_off(const Nic& nic, const Case& about)
{
    if (!judged(nic)) return std::vector<Finding>{};
    if (!about.host.routes) return std::unexpected(about.host.routes.error());
    if (!has_default_route(about, nic) || TRY(source_check(about, nic.name)) != 0) return std::vector<Finding>{};
    if (!routing_owner(about).empty()) return std::vector<Finding>{};
    const bool router = forwards(about) && said(about, {Workload::Gateway});
    Finding finding = finding_of(router ? Severity::Low : Severity::Info, Confidence::Convention,
                                 fmt::format("{} takes packets from forged sources", nic.name));
    for (const std::string& key : {conf("all", "rp_filter"), conf(nic.name, "rp_filter")})
        note(finding, sysctl_evidence(about, key));
    finding.why = "With rp_filter=1 the kernel drops a packet whose answer would leave through another interface. This "
                  "host has one way out, so nothing "
                  "legitimate would be lost. The kernel's default is 0.";
    finding.cost = "forged internal addresses from outside reach the services";
    finding.advice = {fmt::format(
        "unless a firewall checks sources already: net.ipv4.conf.all.rp_filter=1 (2 where routes are asymmetric)")};
    finding.side_effects = "none: advice only";
    finding.security = "no check of source addresses";
    return std::vector{std::move(finding)};
}

constexpr std::uint64_t forged_that_matter = 10; // packets while we looked

Opinion judge_source_check_drops(const Case& about)
{
    const Counter dropped = TRY(counter_of(about, "TcpExtIPReversePathFilter"));
    if (dropped.growth == 0) return std::vector<Finding>{};
    // A forged packet now and then is the internet's weather; a stream of them is a fault or an attack.
    const bool stream = dropped.growth >= forged_that_matter;
    Finding finding = finding_of(stream ? Severity::Medium : Severity::Info, Confidence::Measured,
                                 "rp_filter drops packets now: forged sources or asymmetric routes");
    note(finding, counter_evidence(about, "TcpExtIPReversePathFilter"));
    note(finding, sysctl_evidence(about, "net.ipv4.conf.all.rp_filter"));
    if (const std::string owner = routing_owner(about); !owner.empty())
        finding.evidence.push_back({"who routes here", owner});
    finding.why = "In strict mode (1) a packet is dropped if the answer would leave through another interface than it "
                  "came in by. With two ways in "
                  "that is normal traffic; with one it is forged.";
    finding.cost = "one-way connections, if the packets are legitimate";
    finding.advice = {"see which they are: net.ipv4.conf.all.log_martians=1 for a minute",
                      "for asymmetric routes set rp_filter=2 on that interface, or mend the routes; netwright does not "
                      "weaken the check by itself"};
    finding.side_effects = "none: advice only";
    finding.security = "mode 2 still drops sources that no route leads to, but lets forged ones of other interfaces in";
    return std::vector{std::move(finding)};
}

Opinion judge_forwarding(const Case& about)
{
    if (TRY(about.host.sysctls.number("net.ipv4.ip_forward")) == 0) return std::vector<Finding>{};
    if (said(about, {Workload::Gateway, Workload::Kubernetes}) || !routing_owner(about).empty())
        return std::vector<Finding>{};
    if (!about.host.nics) return std::unexpected(about.host.nics.error());
    if (!about.host.services) return std::unexpected(about.host.services.error()); // who would need it cannot be told
    const auto ways = std::ranges::count_if(*about.host.nics, [](const Nic& nic) { return !nic.loopback && nic.up; });
    Finding finding =
        finding_of(Severity::Info, Confidence::Derived, "The host forwards packets, and nothing here seems to need it");
    note(finding, sysctl_evidence(about, "net.ipv4.ip_forward"));
    finding.evidence.push_back({"interfaces that are up, loopback aside", std::to_string(ways)});
    note_setter(about, "net.ipv4.ip_forward", finding);
    finding.why = "No container runtime, Kubernetes, VPN, bridge or second route was seen. A forwarding host also "
                  "refuses router advertisements and "
                  "treats redirects differently.";
    finding.cost = "the host can be used as a way between its networks";
    finding.advice = {
        "if it is not a router: net.ipv4.ip_forward=0 (containers and VPNs need it; netwright leaves it alone)"};
    finding.side_effects = "none: advice only";
    finding.security = "a path between networks that no one watches";
    return std::vector{std::move(finding)};
}

Opinion judge_localnet(const Case& about)
{
    if (!about.host.nics) return std::unexpected(about.host.nics.error());
    std::vector<Finding> findings;
    const bool all = TRY(about.host.sysctls.number(conf("all", "route_localnet"))) != 0;
    for (const Nic& nic : *about.host.nics) {
        const std::string key = conf(all ? "all" : nic.name, "route_localnet");
        if (!judged(nic) || about.host.sysctls.number(key).value_or(0) == 0) continue;
        const std::string owner = routing_owner(about); // kube-proxy sets it for NodePorts on localhost
        Finding finding = finding_of(owner.empty() ? Severity::Medium : Severity::Info, Confidence::Derived,
                                     fmt::format("Packets to 127.0.0.0/8 may come in through {}", nic.name));
        finding.subject = nic.name;
        note(finding, sysctl_evidence(about, key));
        if (!owner.empty()) finding.evidence.push_back({"who routes here", owner});
        finding.why = "route_localnet lets addresses of the loopback network be routed. A neighbour on the segment can "
                      "then reach services that listen "
                      "on 127.0.0.1 only (CVE-2020-8558).";
        finding.cost = "services that trust localhost are open to the segment";
        if (owner.empty())
            propose(finding, set_sysctl(about, "localnet-routed", key, std::int64_t{0}, "the kernel's default"));
        else
            finding.advice.emplace_back(
                "kube-proxy sets it for NodePorts on localhost: left alone; filter 127.0.0.0/8 on the outer interface");
        finding.side_effects = "rules that redirect outside traffic to 127.0.0.1 stop working";
        finding.security = "closes localhost to the segment";
        findings.push_back(std::move(finding));
    }
    return findings;
}

Opinion judge_bpf(const Case& about)
{
    if (TRY(about.host.sysctls.number("kernel.unprivileged_bpf_disabled")) != 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Info, Confidence::Derived, "Every user may load BPF programs");
    note(finding, sysctl_evidence(about, "kernel.unprivileged_bpf_disabled"));
    note(finding, sysctl_evidence(about, "net.core.bpf_jit_harden"));
    finding.why = "The verifier keeps programs harmless, and it has had holes. Most distributions now allow BPF to "
                  "privileged users only.";
    finding.cost = "a larger surface for local attacks; nothing on hosts without untrusted users";
    finding.advice = {"kernel.unprivileged_bpf_disabled=2 (1 cannot be taken back before a reboot)",
                      "or net.core.bpf_jit_harden=1, which blinds constants in programs of unprivileged users"};
    finding.side_effects = "none: advice only";
    finding.security = "open to local attacks on the BPF verifier";
    return std::vector{std::move(finding)};
}

Opinion judge_challenge_acks(const Case& about)
{
    constexpr std::string_view key = "net.ipv4.tcp_challenge_ack_limit";
    const std::int64_t now = TRY(about.host.sysctls.number(key));
    if (now >= 1000) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Low, Confidence::Derived,
                                 "A small shared limit of challenge ACKs tells strangers about connections");
    note(finding, sysctl_evidence(about, key));
    note_setter(about, key, finding);
    finding.why = "The limit is shared by all connections, so somebody off the path can count what is left of it and "
                  "learn whether two hosts are "
                  "connected (CVE-2016-5696).";
    finding.cost = "connections can be detected and reset from outside";
    propose(finding, raise_sysctl(about, "challenge-ack-limit", key, std::int64_t{2147483647},
                                  "no shared limit, the default since 6.1; each socket keeps its own"));
    finding.side_effects = "none known";
    finding.security = "closes a side channel";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"syncookies-off", "Are SYN cookies off?",
         "tcp_syncookies=0. The default 1 sends cookies only when a queue is full, so there is nothing to gain from 0.",
         "net/ipv4/tcp_input.c tcp_conn_request", judge_syncookies},
    Rule{
        "tcp-timestamps-off", "Are TCP timestamps off?",
        "tcp_timestamps=0. 1 (random offsets) and 2 pass. The 12 bytes they cost are never worth what depends on them.",
        "RFC 7323; net/ipv4/tcp_ipv4.c tcp_twsk_unique", judge_timestamps},
    Rule{"tcp-sack-off", "Are selective acknowledgements off?",
         "tcp_sack=0. RACK, DSACK and the recovery of more than one loss a round trip depend on it.",
         "RFC 2018; net/ipv4/tcp_input.c", judge_sack},
    Rule{"icmp-broadcast-answered", "Does the host answer pings to broadcast addresses?",
         "icmp_echo_ignore_broadcasts=0; the default is 1.", "net/ipv4/icmp.c", judge_broadcasts},
    Rule{"redirects-accepted", "Does an interface believe ICMP redirects?",
         "On hosts `all` OR the interface decides, with forwarding both must. The kernel's default believes them, so "
         "it is an info (Low on forwarding hosts) and only "
         "advice. IPv6 asks the interface alone, and never where it forwards. Hardware interfaces that are up are "
         "looked at.",
         "include/linux/inetdevice.h IN_DEV_RX_REDIRECTS; net/ipv6/route.c rt6_do_redirect", judge_redirects_accepted},
    Rule{"redirects-sent", "Does a gateway send ICMP redirects?",
         "Only where the workload gateway was given and forwarding is on; `all` OR the interface decides.",
         "include/linux/inetdevice.h IN_DEV_TX_REDIRECTS", judge_redirects_sent},
    Rule{"source-routing-accepted", "Are source-routed packets accepted?",
         "Needs accept_source_route=1 for `all` AND the interface: the defaults, 0 and 1, do not accept them.",
         "include/linux/inetdevice.h IN_DEV_SOURCE_ROUTE", judge_source_routes},
    Rule{"segment-routing-accepted", "Are IPv6 packets with a segment routing header passed on?",
         "Needs seg6_enabled=1 for `all` AND a hardware interface, without seg6_require_hmac=1. Both are off by "
         "default. IPv6's own source routes (type 0) no kernel follows any more; its accept_source_route is about "
         "Mobile IPv6 only.",
         "net/ipv6/exthdrs.c ipv6_srh_rcv; RFC 8754 section 5; RFC 5095", judge_segment_routes},
    Rule{"rp-filter-off", "Are forged source addresses accepted where a check would lose nothing?",
         "Hardware interfaces with the default route and an effective rp_filter (the larger of `all` and its own) of "
         "0. Hosts with containers, tunnels, several ways out or "
         "policy routing are left alone: strict checks break them. 0 is the kernel's default, so it is an info, Low on "
         "gateways.",
         "include/linux/inetdevice.h IN_DEV_RPFILTER; RFC 3704", judge_source_check_off},
    Rule{"rp-filter-drops", "Does rp_filter drop packets now?",
         "Growth of TcpExt.IPReversePathFilter between two samples. The check is never weakened by netwright.",
         "net/ipv4/fib_frontend.c fib_validate_source", judge_source_check_drops},
    Rule{"forwarding-unexplained", "Does the host forward although nothing needs it?",
         "ip_forward=1 without a container runtime, tunnel, bridge or second route in sight. An info: netwright never "
         "changes forwarding.",
         "Documentation/networking/ip-sysctl.rst", judge_forwarding},
    Rule{"localnet-routed", "Can the segment reach services on 127.0.0.1?",
         "route_localnet=1 on a hardware interface or for all. Where Kubernetes or containers own routing it is left "
         "alone.",
         "CVE-2020-8558; net/ipv4/route.c", judge_localnet},
    Rule{"unprivileged-bpf", "May every user load BPF programs?",
         "kernel.unprivileged_bpf_disabled=0. Advice only: 1 cannot be undone before a reboot.",
         "Documentation/admin-guide/sysctl/kernel.rst", judge_bpf},
    Rule{"challenge-ack-limit", "Is there a small shared limit of challenge ACKs?",
         "Below 1,000 a second; unlimited since 6.1.", "net/ipv4/tcp_input.c tcp_send_challenge_ack",
         judge_challenge_acks},
};

} // namespace

std::span<const Rule> security_rules() { return rules; }

} // namespace netwright::advise
