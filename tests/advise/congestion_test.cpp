// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement congestion(std::string_view id, const HostBuilder& host, const Intent& intent = {})
{
    return ask(congestion_rules(), id, host.build(), intent);
}

HostBuilder lossy(std::uint64_t sent, std::uint64_t again, std::uint64_t rtt_us)
{
    HostBuilder host;
    ConnectionGroup group;
    group.congestion_control = "cubic";
    group.connections = 1;
    group.bytes_sent = sent;
    group.bytes_retransmitted = again;
    group.min_rtt_us.add(rtt_us);
    host.sockets.established = {group};
    return host;
}

} // namespace

TEST_CASE("BBR without fq is an info where TCP paces itself and medium before 4.13")
{
    auto host = HostBuilder().sysctl("net.ipv4.tcp_congestion_control", "bbr");
    const Finding finding = only(congestion("bbr-without-fq", host));
    CHECK(finding.severity == Severity::Info);
    CHECK(finding.subject == "eth0");
    CHECK(finding.remedy.empty());
    host.snapshot.kernel.version = KernelVersion{4, 9, 0};
    CHECK(only(congestion("bbr-without-fq", host)).severity == Severity::Medium);
}

TEST_CASE("fq is not advised to a kernel that was built without it")
{
    auto host = HostBuilder().sysctl("net.ipv4.tcp_congestion_control", "bbr");
    const auto advised = [&] { return only(congestion("bbr-without-fq", host)).advice.front(); };
    host.snapshot.kernel.config = fail(Error::Kind::Absent, "no /proc/config.gz");
    CHECK(advised().starts_with("netwright set qdisc/eth0/root fq"));
    host.snapshot.kernel.config = std::vector<ConfigOption>{{"CONFIG_NET_SCH_FQ", "m"}};
    CHECK(advised().starts_with("netwright set qdisc/eth0/root fq"));
    host.snapshot.kernel.config = std::vector<ConfigOption>{};
    CHECK(advised() == "nothing here: this kernel was built without fq (CONFIG_NET_SCH_FQ)");
}

TEST_CASE("fq below mq satisfies BBR, and other algorithms need no fq")
{
    auto host = HostBuilder().sysctl("net.ipv4.tcp_congestion_control", "bbr");
    host.snapshot.qdiscs->front().kind = "mq";
    host.snapshot.qdiscs->push_back(host.snapshot.qdiscs->front());
    host.snapshot.qdiscs->back().kind = "fq";
    CHECK(content(congestion("bbr-without-fq", host)));
    CHECK(content(congestion("bbr-without-fq", HostBuilder())));
    auto blind = HostBuilder().sysctl("net.ipv4.tcp_congestion_control", "bbr");
    blind.snapshot.qdiscs = fail(Error::Kind::Refused, "RTM_GETQDISC: refused");
    CHECK(congestion("bbr-without-fq", blind).not_judged.size() == 1);
}

TEST_CASE("a long path with random loss is offered bbr, by measurement or by intent")
{
    const auto host = lossy(100'000'000, 1'000'000, 80'000);
    const Finding measured = only(congestion("lossy-path-loss-based", host));
    CHECK(measured.confidence == Confidence::Measured);
    CHECK(proposed(measured, "net.ipv4.tcp_congestion_control") == "bbr");
    Intent intent = intent_of(Workload::Bulk, 1_Gbit, 100ms);
    intent.loss = Answer<double>{0.01, true, "--loss"};
    CHECK(proposed(only(congestion("lossy-path-loss-based", HostBuilder(), intent)),
                   "net.ipv4.tcp_congestion_control") == "bbr");
}

TEST_CASE("bbr is not offered on clean or short paths, from little evidence, to routers, or where it is missing")
{
    CHECK(content(congestion("lossy-path-loss-based", lossy(100'000'000, 100'000, 80'000))));
    CHECK(content(congestion("lossy-path-loss-based", lossy(100'000'000, 1'000'000, 5'000))));
    CHECK(content(congestion("lossy-path-loss-based", lossy(1'000'000, 100'000, 80'000))));
    const auto host = lossy(100'000'000, 1'000'000, 80'000);
    CHECK(content(congestion("lossy-path-loss-based", host, intent_of(Workload::Gateway))));
    CHECK(content(congestion("lossy-path-loss-based", host, intent_of(Workload::Database))));
    auto without = host;
    without.sysctl("net.ipv4.tcp_available_congestion_control", "reno cubic");
    CHECK(content(congestion("lossy-path-loss-based", without)));
    Snapshot blind = HostBuilder().build();
    blind.sockets = fail(Error::Kind::Refused, "sock_diag: permission denied");
    CHECK(not_judged(ask(congestion_rules(), "lossy-path-loss-based", blind), Error::Kind::Refused));
}

TEST_CASE("a queue that cubic keeps standing is offered bbr, and long paths, short waits and little data are not")
{
    const auto queue = [](std::uint64_t sent, std::uint64_t rtt_us, std::uint64_t least_us) {
        auto host = lossy(sent, 0, least_us);
        host.sockets.established.front().rtt_us.add(rtt_us);
        return host;
    };
    const auto host = queue(20'000'000, 400'000, 40'000);
    const Finding finding = only(congestion("tcp-standing-queue", host));
    CHECK(finding.confidence == Confidence::Measured);
    CHECK(proposed(finding, "net.ipv4.tcp_congestion_control") == "bbr");
    CHECK(content(congestion("tcp-standing-queue", queue(20'000'000, 260'000, 250'000)))); // far away
    CHECK(content(congestion("tcp-standing-queue", queue(20'000'000, 40'000, 200))));      // a delayed acknowledgement
    CHECK(content(congestion("tcp-standing-queue", queue(100'000, 400'000, 40'000))));
    CHECK(content(congestion("tcp-standing-queue", host, intent_of(Workload::Gateway))));
    auto other = host;
    other.sockets.established.front().congestion_control = "bbr";
    CHECK(content(congestion("tcp-standing-queue", other)));
    other = host;
    other.sysctl("net.ipv4.tcp_available_congestion_control", "reno cubic");
    CHECK(content(congestion("tcp-standing-queue", other)));
    Snapshot blind = HostBuilder().build();
    blind.sockets = fail(Error::Kind::Refused, "sock_diag: permission denied");
    CHECK(not_judged(ask(congestion_rules(), "tcp-standing-queue", blind), Error::Kind::Refused));
}

TEST_CASE("one retransmission in fifty is medium, one in a thousand or a total since boot is nothing")
{
    CHECK(only(congestion("tcp-retransmits", HostBuilder().counter("TcpRetransSegs", 9000, 400))).severity ==
          Severity::Medium);
    CHECK(content(congestion("tcp-retransmits", HostBuilder())));
    CHECK(content(congestion("tcp-retransmits", HostBuilder().counter("TcpRetransSegs", 900'000, 5))));
    const auto reordered = HostBuilder().counter("TcpRetransSegs", 9000, 400).counter("TcpExtTCPDSACKRecv", 8000, 390);
    CHECK(content(congestion("tcp-retransmits", reordered))); // the peers had them: tcp-spurious-retransmits
    CHECK(content(
        congestion("tcp-retransmits", HostBuilder().counter("TcpOutSegs", 1000, 10).counter("TcpRetransSegs", 9, 9))));
    CHECK(not_judged(congestion("tcp-retransmits", HostBuilder().without("TcpRetransSegs")), Error::Kind::Absent));
}

TEST_CASE("needless retransmissions are found by what peers report")
{
    const auto host = HostBuilder().counter("TcpRetransSegs", 9000, 400).counter("TcpExtTCPDSACKRecv", 8000, 200);
    CHECK(only(congestion("tcp-spurious-retransmits", host)).severity == Severity::Low);
    CHECK(content(
        congestion("tcp-spurious-retransmits",
                   HostBuilder().counter("TcpRetransSegs", 9000, 400).counter("TcpExtTCPDSACKRecv", 8000, 20))));
    CHECK(content(congestion("tcp-spurious-retransmits", HostBuilder().counter("TcpExtTCPDSACKRecv", 8000, 200))));
}

TEST_CASE("each repair that is off is found and put back; a kernel without the key is passed over")
{
    const auto host = HostBuilder().sysctl("net.ipv4.tcp_dsack", "0").sysctl("net.ipv4.tcp_early_retrans", "0");
    const Judgement judgement = congestion("tcp-recovery-off", host);
    REQUIRE(judgement.findings.size() == 2);
    CHECK(proposed(judgement.findings[0], "net.ipv4.tcp_dsack") == "1");
    CHECK(proposed(judgement.findings[1], "net.ipv4.tcp_early_retrans") == "3");
    CHECK(content(congestion("tcp-recovery-off", HostBuilder().without("net.ipv4.tcp_recovery"))));
}

TEST_CASE("path MTU discovery is put back on, and its hardened mode left alone")
{
    CHECK(proposed(only(congestion("pmtu-discovery-off", HostBuilder().sysctl("net.ipv4.ip_no_pmtu_disc", "2"))),
                   "net.ipv4.ip_no_pmtu_disc") == "0");
    CHECK(content(congestion("pmtu-discovery-off", HostBuilder().sysctl("net.ipv4.ip_no_pmtu_disc", "3"))));
}
