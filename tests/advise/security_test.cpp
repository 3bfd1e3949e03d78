// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement security(std::string_view id, const HostBuilder& host, const Intent& intent = {})
{
    return ask(security_rules(), id, host.build(), intent);
}

} // namespace

TEST_CASE("guards that were switched off are put back, and say what that closes")
{
    struct Row {
        const char *rule, *key;
        Severity severity;
    };
    for (const Row& row : {Row{"syncookies-off", "net.ipv4.tcp_syncookies", Severity::High},
                           Row{"tcp-timestamps-off", "net.ipv4.tcp_timestamps", Severity::Medium},
                           Row{"tcp-sack-off", "net.ipv4.tcp_sack", Severity::Medium},
                           Row{"icmp-broadcast-answered", "net.ipv4.icmp_echo_ignore_broadcasts", Severity::Low}}) {
        CAPTURE(row.rule);
        const Finding finding = only(security(row.rule, HostBuilder().sysctl(row.key, "0")));
        CHECK(finding.severity == row.severity);
        CHECK(proposed(finding, row.key) == "1");
        CHECK_FALSE(finding.security.empty());
        CHECK(content(security(row.rule, HostBuilder())));
        CHECK(not_judged(security(row.rule, HostBuilder().without(row.key)), Error::Kind::Absent));
    }
}

TEST_CASE("redirects are an info on hosts, and need both switches on routers")
{
    const Finding finding = only(security("redirects-accepted", HostBuilder()));
    CHECK(finding.severity == Severity::Info);
    CHECK(finding.confidence == Confidence::Convention);
    auto off = HostBuilder().sysctl("net.ipv4.conf.all.accept_redirects", "0");
    CHECK(only(security("redirects-accepted", off)).subject == "eth0"); // the interface still says yes
    off.sysctl("net.ipv4.ip_forward", "1");
    CHECK(content(security("redirects-accepted", off)));
}

TEST_CASE("IPv6 redirects hang on the interface alone, and a forwarding interface takes none")
{
    auto host = HostBuilder().sysctl("net.ipv4.conf.all.accept_redirects", "0");
    host.sysctl("net.ipv4.conf.eth0.accept_redirects", "0").sysctl("net.ipv6.conf.eth0.accept_redirects", "1");
    host.sysctl("net.ipv6.conf.all.accept_redirects", "0"); // the kernel does not look at it
    const Finding finding = only(security("redirects-accepted", host));
    CHECK(finding.title == "eth0 believes ICMP redirects (IPv6)");
    CHECK(finding.advice.at(0) == "if no router here relies on them: net.ipv6.conf.eth0.accept_redirects=0");
    CHECK(content(security("redirects-accepted", HostBuilder(host).sysctl("net.ipv6.conf.eth0.forwarding", "1"))));
    CHECK(content(security("redirects-accepted", HostBuilder(host).sysctl("net.ipv6.conf.eth0.disable_ipv6", "1"))));
    CHECK(content(security("redirects-accepted", host.sysctl("net.ipv6.conf.eth0.accept_redirects", "0"))));
}

TEST_CASE("segment routing needs both switches, and a required HMAC is a guard")
{
    CHECK(content(security("segment-routing-accepted", HostBuilder())));
    auto host = HostBuilder().sysctl("net.ipv6.conf.eth0.seg6_enabled", "1");
    CHECK(content(security("segment-routing-accepted", host.sysctl("net.ipv6.conf.all.seg6_enabled", "0"))));
    host.sysctl("net.ipv6.conf.all.seg6_enabled", "1").sysctl("net.ipv6.conf.eth0.seg6_require_hmac", "0");
    const Finding finding = only(security("segment-routing-accepted", host));
    CHECK(finding.severity == Severity::Low);
    CHECK(finding.remedy.empty());
    CHECK(content(security("segment-routing-accepted", host.sysctl("net.ipv6.conf.eth0.seg6_require_hmac", "1"))));
}

TEST_CASE("a gateway that sends redirects sets both switches to 0")
{
    const auto host = HostBuilder().sysctl("net.ipv4.ip_forward", "1");
    const Finding finding = only(security("redirects-sent", host, intent_of(Workload::Gateway)));
    CHECK(proposed(finding, "net.ipv4.conf.all.send_redirects") == "0");
    CHECK(proposed(finding, "net.ipv4.conf.eth0.send_redirects") == "0");
    CHECK(content(security("redirects-sent", host)));
    CHECK(content(security("redirects-sent", HostBuilder(), intent_of(Workload::Gateway))));
}

TEST_CASE("source routes need both switches: the defaults do not accept them")
{
    CHECK(content(security("source-routing-accepted", HostBuilder())));
    const auto open = HostBuilder().sysctl("net.ipv4.conf.all.accept_source_route", "1");
    CHECK(proposed(only(security("source-routing-accepted", open)), "net.ipv4.conf.all.accept_source_route") == "0");
    auto closed = open;
    closed.sysctl("net.ipv4.conf.eth0.accept_source_route", "0");
    CHECK(content(security("source-routing-accepted", closed)));
}

TEST_CASE("rp_filter off is an info on a plain host and left alone where somebody else routes")
{
    const Finding finding = only(security("rp-filter-off", HostBuilder()));
    CHECK(finding.severity == Severity::Info);
    CHECK(finding.remedy.empty());
    CHECK(content(security("rp-filter-off", HostBuilder().sysctl("net.ipv4.conf.all.rp_filter", "2"))));
    CHECK(content(security("rp-filter-off", HostBuilder().service("kubelet"))));
    auto router = HostBuilder().sysctl("net.ipv4.ip_forward", "1");
    CHECK(only(security("rp-filter-off", router, intent_of(Workload::Gateway))).severity == Severity::Low);
}

TEST_CASE("packets that rp_filter drops now are shown, the check is never weakened")
{
    const Finding finding =
        only(security("rp-filter-drops", HostBuilder().counter("TcpExtIPReversePathFilter", 70, 3)));
    CHECK(finding.confidence == Confidence::Measured);
    CHECK(finding.remedy.empty());
    CHECK(finding.severity == Severity::Info); // a forged packet now and then is no alarm
    CHECK(only(security("rp-filter-drops", HostBuilder().counter("TcpExtIPReversePathFilter", 70, 10))).severity ==
          Severity::Medium);
    CHECK(content(security("rp-filter-drops", HostBuilder().counter("TcpExtIPReversePathFilter", 70))));
}

TEST_CASE("forwarding is an info where nothing needs it, and never changed")
{
    const auto host = HostBuilder().sysctl("net.ipv4.ip_forward", "1");
    const Finding finding = only(security("forwarding-unexplained", host));
    CHECK(finding.severity == Severity::Info);
    CHECK(finding.remedy.empty());
    auto docker = host;
    docker.service("docker");
    CHECK(content(security("forwarding-unexplained", docker)));
    CHECK(content(security("forwarding-unexplained", host, intent_of(Workload::Gateway))));
    CHECK(content(security("forwarding-unexplained", HostBuilder())));
}

TEST_CASE("localhost opened to the segment is closed, unless Kubernetes did it")
{
    auto host = HostBuilder().sysctl("net.ipv4.conf.eth0.route_localnet", "1");
    CHECK(proposed(only(security("localnet-routed", host)), "net.ipv4.conf.eth0.route_localnet") == "0");
    host.service("kubelet");
    const Finding finding = only(security("localnet-routed", host));
    CHECK(finding.severity == Severity::Info);
    CHECK(finding.remedy.empty());
    CHECK(content(security("localnet-routed", HostBuilder())));
}

TEST_CASE("BPF for everybody is advice only, for 1 cannot be taken back")
{
    CHECK(only(security("unprivileged-bpf", HostBuilder().sysctl("kernel.unprivileged_bpf_disabled", "0")))
              .remedy.empty());
    CHECK(content(security("unprivileged-bpf", HostBuilder())));
}

TEST_CASE("a small shared limit of challenge ACKs is lifted")
{
    CHECK(
        proposed(only(security("challenge-ack-limit", HostBuilder().sysctl("net.ipv4.tcp_challenge_ack_limit", "100"))),
                 "net.ipv4.tcp_challenge_ack_limit") == "2147483647");
    CHECK(content(security("challenge-ack-limit", HostBuilder().sysctl("net.ipv4.tcp_challenge_ack_limit", "1000"))));
}
