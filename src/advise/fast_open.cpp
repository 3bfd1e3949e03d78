// SPDX-License-Identifier: GPL-2.0-or-later
// TCP Fast Open: data in the SYN, where the path lets it pass.
//
// net.ipv4.tcp_fastopen is a set of bits: 1 clients may, 2 servers may, 4 clients need no cookie, 0x200 servers take
// data without a cookie, 0x400 all listeners take part without asking. A client whose SYN with data vanished, or whose
// connection then fell silent, stops trying for tcp_fastopen_blackhole_timeout_sec, doubled each time.
// Keys: tcp_fastopen_key takes "new,old". Servers behind one balancer share both; to rotate, every server first learns
// the new key as its second, then it becomes the first (net/ipv4/tcp_fastopen.c).
#include "advise/path_rules.h"
#include "advise/remedy.h"

#include <fmt/format.h>

#include <array>

namespace netwright::advise {
namespace {

constexpr std::int64_t server_without_cookie = 0x200, server = 2;

Opinion judge_black_hole(const Case& about)
{
    const Counter holes = TRY(counter_of(about, "TcpExtTCPFastOpenBlackhole"));
    if (seen(holes, about.host.interval) == 0 && holes.total == 0) return std::vector<Finding>{};
    Finding finding = finding_of(holes.growth != 0 ? Severity::Medium : Severity::Low, confidence_of(holes),
                                 "Somebody on the way swallows connections that use TCP Fast Open");
    note(finding, counter_evidence(about, "TcpExtTCPFastOpenBlackhole"));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_fastopen"));
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_fastopen_blackhole_timeout_sec"));
    finding.why = "A connection that had sent data in its SYN fell silent or was reset without a sign: a firewall that "
                  "drops what it does not know. The kernel then stops using Fast Open for all destinations, for "
                  "tcp_fastopen_blackhole_timeout_sec, and twice as long each time it happens again.";
    finding.cost =
        "the connection that found out hung for seconds; the others lose the round trip Fast Open would save";
    finding.advice = {
        "find the firewall (ss -ti shows fastopen_fail on such connections) and let TCP option 34 and data "
        "in SYNs pass",
        "where that is out of reach, clients are better off without: net.ipv4.tcp_fastopen without bit 1"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_failing(const Case& about)
{
    constexpr std::uint64_t fewest = 20;
    const Counter failed = TRY(counter_of(about, "TcpExtTCPFastOpenActiveFail"));
    const Counter worked = TRY(counter_of(about, "TcpExtTCPFastOpenActive"));
    const std::uint64_t bad = seen(failed, about.host.interval), good = seen(worked, about.host.interval);
    if (bad < fewest || bad * 5 < good + bad) return std::vector<Finding>{};
    Finding finding =
        finding_of(Severity::Low, confidence_of(failed), "Data in the SYN is often not accepted, and is sent again");
    for (const std::string_view name : {"TcpExtTCPFastOpenActiveFail", "TcpExtTCPFastOpenActive"})
        note(finding, counter_evidence(about, name));
    finding.why =
        "The server did not acknowledge the data that came with the SYN: it has forgotten its key, does not do "
        "Fast Open any more, or servers behind one address have different keys.";
    finding.cost = "each such connection sends its first data twice";
    finding.advice = {"give all servers behind one address the same net.ipv4.tcp_fastopen_key; to change it, set "
                      "\"old,new\" everywhere first, then \"new,old\", then \"new\""};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

Opinion judge_without_cookie(const Case& about)
{
    const std::int64_t bits = TRY(about.host.sysctls.number("net.ipv4.tcp_fastopen"));
    if ((bits & server) == 0 || (bits & server_without_cookie) == 0) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::Medium, Confidence::Derived,
                                 "Listeners take data from senders who have not shown that they exist");
    note(finding, sysctl_evidence(about, "net.ipv4.tcp_fastopen"));
    note(finding, counter_evidence(about, "TcpExtTCPFastOpenPassive"));
    finding.why =
        "Bit 0x200 takes data in a SYN without the cookie that proves the sender's address. A forged SYN then "
        "makes the application work and answer to somebody who never asked.";
    finding.cost = "a host that amplifies floods, and work for nothing";
    propose(finding,
            set_sysctl(about, "fastopen-without-cookie", "net.ipv4.tcp_fastopen", bits & ~server_without_cookie,
                       "cookies again: the first connection of each client asks for one"));
    finding.side_effects = "a client's first connection takes a plain handshake";
    finding.security = "today forged senders reach the application; with the change they do not";
    return std::vector{std::move(finding)};
}

constexpr std::array rules{
    Rule{"fastopen-black-hole", "Does a firewall swallow connections that use TCP Fast Open?",
         "TcpExt.TCPFastOpenBlackhole: the kernel itself has given up Fast Open for a while, because such connections "
         "fell "
         "silent. Growth while we looked weighs more than a total since boot.",
         "net/ipv4/tcp_fastopen.c tcp_fastopen_active_disable; RFC 7413", judge_black_hole},
    Rule{"fastopen-not-accepted", "Do servers refuse the data in our SYNs?",
         "At least 20 failures and a fifth of all attempts (TcpExt.TCPFastOpenActiveFail beside TCPFastOpenActive), "
         "between the two samples or, with one sample, since boot.",
         "net/ipv4/tcp_input.c tcp_rcv_fastopen_synack; RFC 7413", judge_failing},
    Rule{"fastopen-without-cookie", "Is data in a SYN taken from forged senders?",
         "Bits 2 and 0x200 of tcp_fastopen are both set. The cookie is the whole defence of Fast Open against forged "
         "addresses.",
         "Documentation/networking/ip-sysctl.rst tcp_fastopen; RFC 7413 section 5", judge_without_cookie},
};

} // namespace

std::span<const Rule> fast_open_rules() { return rules; }

} // namespace netwright::advise
