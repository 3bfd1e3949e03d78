// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/remedy.h"

#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

TEST_CASE("numbers are grouped by thousands")
{
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(41203) == "41,203");
    CHECK(grouped(1234567890) == "1,234,567,890");
}

TEST_CASE("an amount says its growth, its time and its total")
{
    CHECK(amount({41203, 27}, 10s) == "27 in 10 s (41,203 since boot)");
    CHECK(amount({41203, 0}, 0ms) == "41,203 since boot");
    CHECK(seen({41203, 27}, 10s) == 27);
    CHECK(seen({41203, 0}, 0ms) == 41203);
    CHECK(confidence_of({5, 1}) == Confidence::Measured);
    CHECK(confidence_of({5, 0}) == Confidence::SinceBoot);
}

TEST_CASE("evidence names the file a person can read")
{
    const Snapshot host = HostBuilder().counter("TcpExtListenOverflows", 9, 4).counter("Udp6InErrors", 1).build();
    const Intent intent;
    const Case about{host, intent};
    CHECK(counter_evidence(about, "TcpExtListenOverflows")->source == "/proc/net/netstat TcpExt.ListenOverflows");
    CHECK(counter_evidence(about, "TcpRetransSegs")->source == "/proc/net/snmp Tcp.RetransSegs");
    CHECK(counter_evidence(about, "IpFragCreates")->source == "/proc/net/snmp Ip.FragCreates");
    CHECK(counter_evidence(about, "Udp6InErrors")->source == "/proc/net/snmp6 Udp6InErrors");
    CHECK(counter_evidence(about, "TcpExtNoSuch").error().kind == Error::Kind::Absent);
    CHECK((sysctl_evidence(about, "net.ipv4.tcp_rmem") ==
           Result<Evidence>(Evidence{"sysctl net.ipv4.tcp_rmem", "4096 131072 6291456"})));
}

TEST_CASE("a change carries what is there now, and nothing is proposed that the host already has")
{
    const Snapshot host = HostBuilder().build();
    const Intent intent;
    const Case about{host, intent};
    const auto change = set_sysctl(about, "r", "net.core.somaxconn", std::int64_t{8192}, "why");
    REQUIRE(change);
    REQUIRE(change->size() == 1);
    CHECK(change->front().from == Value(std::int64_t{4096}));
    CHECK(change->front().to == Value(std::int64_t{8192}));
    CHECK(change->front().because == std::vector<std::string>{"r"});
    CHECK(set_sysctl(about, "r", "net.core.somaxconn", std::int64_t{4096}, "why")->empty());
}

TEST_CASE("what this kernel does not show is not proposed")
{
    const Snapshot host = HostBuilder().without("net.core.somaxconn").build();
    const Intent intent;
    const auto change = set_sysctl({host, intent}, "r", "net.core.somaxconn", std::int64_t{1}, "why");
    REQUIRE_FALSE(change);
    CHECK(change.error().kind == Error::Kind::Absent);
}

TEST_CASE("raising never lowers an element")
{
    const Snapshot host = HostBuilder().build();
    const Intent intent;
    const Case about{host, intent};
    const auto change =
        raise_sysctl(about, "r", "net.ipv4.tcp_rmem", std::vector<std::int64_t>{1, 87380, 8388608}, "why");
    REQUIRE(change);
    CHECK(change->at(0).to == Value(std::vector<std::int64_t>{4096, 131072, 8388608}));
    CHECK(raise_sysctl(about, "r", "net.core.somaxconn", std::int64_t{128}, "why")->empty());
    CHECK(raise_sysctl(about, "r", "net.ipv4.tcp_congestion_control", std::int64_t{1}, "why").error().kind ==
          Error::Kind::Malformed);
}

TEST_CASE("a key of the whole host is not proposed from inside another namespace")
{
    HostBuilder builder;
    builder.snapshot.surroundings.network_namespace = "net:[4026532201]";
    const Snapshot host = builder.build();
    const Intent intent;
    const auto change = raise_sysctl({host, intent}, "r", "net.core.rmem_max", std::int64_t{8388608}, "why");
    REQUIRE_FALSE(change);
    CHECK(change.error().kind == Error::Kind::Unsupported);
    Finding finding;
    propose(finding, change);
    CHECK(finding.remedy.empty());
    REQUIRE(finding.advice.size() == 1);
    CHECK(finding.advice[0].find("set it on the host") != std::string::npos);
}

TEST_CASE("whoever routes on a host is named")
{
    const Intent intent;
    const Snapshot plain = HostBuilder().build();
    CHECK(routing_owner({plain, intent}).empty());
    const Snapshot docker = HostBuilder().service("docker").build();
    CHECK(routing_owner({docker, intent}) == "docker");
    HostBuilder tunnel;
    tunnel.snapshot.nics->push_back(interface("wg0", true));
    tunnel.snapshot.nics->back().kind = "wireguard";
    const Snapshot wireguard = tunnel.build();
    CHECK(routing_owner({wireguard, intent}) == "wireguard interface wg0");
    HostBuilder two;
    two.snapshot.routes->push_back(two.snapshot.routes->front());
    two.snapshot.routes->back().nic = "eth1";
    const Snapshot multihomed = two.build();
    CHECK(routing_owner({multihomed, intent}) == "default routes through eth0 and eth1");
}
