// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement path(std::string_view id, const HostBuilder& host, const Intent& intent = {})
{
    return ask(path_rules(), id, host.build(), intent);
}

} // namespace

TEST_CASE("reused connections over 50 ms keep their window, unless BBR does so already")
{
    const Intent far = intent_of(Workload::WebServer, 10_Gbit, 50ms);
    const Finding finding = only(path("slow-start-after-idle", HostBuilder(), far));
    CHECK(finding.severity == Severity::Medium);
    CHECK(proposed(finding, "net.ipv4.tcp_slow_start_after_idle") == "0");
    CHECK(content(path("slow-start-after-idle", HostBuilder().sysctl("net.ipv4.tcp_congestion_control", "bbr"), far)));
    CHECK(content(path("slow-start-after-idle", HostBuilder().sysctl("net.ipv4.tcp_slow_start_after_idle", "0"), far)));
    CHECK(content(path("slow-start-after-idle", HostBuilder(), intent_of(Workload::WebServer, 10_Gbit, 500us))));
    CHECK(content(path("slow-start-after-idle", HostBuilder(), intent_of(Workload::Gateway, 10_Gbit, 50ms))));
    CHECK(content(path("slow-start-after-idle", HostBuilder())));
    CHECK(not_judged(path("slow-start-after-idle", HostBuilder().without("net.ipv4.tcp_slow_start_after_idle"), far),
                     Error::Kind::Absent));
}

TEST_CASE("an inferred RTT is not enough to change how connections restart")
{
    Intent far = intent_of(Workload::WebServer, 10_Gbit, 50ms);
    far.rtt->given = false;
    const Finding finding = only(path("slow-start-after-idle", HostBuilder(), far));
    CHECK(finding.severity == Severity::Info);
    CHECK(finding.remedy.empty());
}

TEST_CASE("MTU probing is a convention for hosts that serve the internet")
{
    const Finding finding = only(path("mtu-probing-off", HostBuilder(), intent_of(Workload::WebServer, 1_Gbit, 40ms)));
    CHECK(finding.confidence == Confidence::Convention);
    CHECK(proposed(finding, "net.ipv4.tcp_mtu_probing") == "1");
    CHECK(content(path("mtu-probing-off", HostBuilder(), intent_of(Workload::WebServer, 1_Gbit, 1ms))));
    CHECK(content(path("mtu-probing-off", HostBuilder(), intent_of(Workload::Database, 1_Gbit, 40ms))));
    CHECK(content(path("mtu-probing-off", HostBuilder().sysctl("net.ipv4.tcp_mtu_probing", "1"),
                       intent_of(Workload::WebServer, 1_Gbit, 40ms))));
}

TEST_CASE("probes for the MTU point at lost ICMP messages")
{
    CHECK(only(path("mtu-probes-seen", HostBuilder().counter("TcpExtTCPMTUPSuccess", 4, 1))).remedy.empty());
    CHECK(content(path("mtu-probes-seen", HostBuilder().counter("TcpExtTCPMTUPSuccess", 4))));
}

TEST_CASE("Fast Open that nobody uses is an info")
{
    CHECK(only(path("fastopen-unused", HostBuilder().sysctl("net.ipv4.tcp_fastopen", "3"))).severity == Severity::Info);
    CHECK(content(path("fastopen-unused",
                       HostBuilder().sysctl("net.ipv4.tcp_fastopen", "3").counter("TcpExtTCPFastOpenPassive", 1))));
    CHECK(content(path("fastopen-unused", HostBuilder())));
    CHECK(only(path("fastopen-queue-full", HostBuilder().counter("TcpExtTCPFastOpenListenOverflow", 8, 2))).severity ==
          Severity::Low);
    CHECK(content(path("fastopen-queue-full", HostBuilder())));
}

TEST_CASE("MPTCP is a finding only where it falls back, and a gap where the kernel has none")
{
    CHECK(only(path("mptcp-fallback", HostBuilder().counter("MPTcpExtMPCapableFallbackACK", 8, 2))).severity ==
          Severity::Low);
    CHECK(content(path("mptcp-fallback", HostBuilder())));
    CHECK(not_judged(path("mptcp-fallback", HostBuilder().without("net.mptcp.enabled")), Error::Kind::Absent));
}
