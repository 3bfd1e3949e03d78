// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement ports(std::string_view id, const HostBuilder& host) { return ask(port_rules(), id, host.build()); }

HostBuilder connected(std::uint64_t connections)
{
    HostBuilder host;
    host.sockets.busiest = BusiestDestination{"10.0.0.9", 5432, connections};
    return host;
}

} // namespace

TEST_CASE("ports nearly used up towards one destination: reuse, a wider range, and listeners reserved first")
{
    auto host = connected(27000).listener(15432, 0, 4096, 0, "postgres");
    const Finding finding = only(ports("ephemeral-ports-short", host));
    CHECK(finding.severity == Severity::High);
    CHECK(finding.title == "96 % of the source ports towards 10.0.0.9:5432 are taken");
    CHECK(proposed(finding, "net.ipv4.tcp_tw_reuse") == "1");
    CHECK(proposed(finding, "net.ipv4.ip_local_port_range") == "10240 65535");
    CHECK(proposed(finding, "net.ipv4.ip_local_reserved_ports") == "15432");
    CHECK(only(ports("ephemeral-ports-short", connected(21000))).severity == Severity::Medium);
}

TEST_CASE("what is reserved already stays, and lists are merged as the kernel shows them")
{
    auto host = connected(27000)
                    .listener(15433, 0, 4096)
                    .listener(20000, 0, 4096)
                    .sysctl("net.ipv4.ip_local_reserved_ports", "15430-15432,40000");
    CHECK(proposed(only(ports("ephemeral-ports-short", host)), "net.ipv4.ip_local_reserved_ports") ==
          "15430-15433,20000,40000");
}

TEST_CASE("without timestamps reuse is not proposed, only explained")
{
    const Finding finding =
        only(ports("ephemeral-ports-short", connected(27000).sysctl("net.ipv4.tcp_timestamps", "0")));
    CHECK(proposed(finding, "net.ipv4.tcp_tw_reuse").empty());
    CHECK(finding.advice.at(0).find("tcp_timestamps") != std::string::npos);
}

TEST_CASE("few outgoing connections, or none, give no finding; unseen sockets a gap")
{
    CHECK(content(ports("ephemeral-ports-short", connected(5000))));
    CHECK(content(ports("ephemeral-ports-short", HostBuilder())));
    HostBuilder refused;
    refused.sockets.busiest = fail(Error::Kind::Refused, "sock_diag: permission denied");
    CHECK(not_judged(ports("ephemeral-ports-short", refused), Error::Kind::Refused));
    CHECK(not_judged(ports("ephemeral-ports-short", connected(27000).sysctl("net.ipv4.ip_local_port_range", "x y")),
                     Error::Kind::Malformed));
}

TEST_CASE("a full TIME_WAIT table is doubled, and tcp_fin_timeout never named as a cure")
{
    const Finding finding =
        only(ports("time-wait-overflow", HostBuilder().counter("TcpExtTCPTimeWaitOverflow", 80, 10)));
    CHECK(finding.severity == Severity::Medium);
    CHECK(proposed(finding, "net.ipv4.tcp_max_tw_buckets") == "131072");
    CHECK(proposed(finding, "net.ipv4.tcp_fin_timeout").empty());
    CHECK(only(ports("time-wait-overflow", HostBuilder().counter("TcpExtTCPTimeWaitOverflow", 80))).severity ==
          Severity::Low);
    HostBuilder full;
    full.snapshot.sockstat->tcp_time_wait = 65000;
    CHECK(only(ports("time-wait-overflow", full)).confidence == Confidence::Measured);
    CHECK(content(ports("time-wait-overflow", HostBuilder())));
}

TEST_CASE("tcp_tw_reuse without timestamps brings timestamps back")
{
    auto host = HostBuilder().sysctl("net.ipv4.tcp_tw_reuse", "1");
    CHECK(content(ports("tw-reuse-without-timestamps", host)));
    host.sysctl("net.ipv4.tcp_timestamps", "0");
    CHECK(proposed(only(ports("tw-reuse-without-timestamps", host)), "net.ipv4.tcp_timestamps") == "1");
}

TEST_CASE("services inside the automatic range are reserved")
{
    auto host = HostBuilder()
                    .sysctl("net.ipv4.ip_local_port_range", "1024 65535")
                    .listener(8080, 0, 4096)
                    .listener(3306, 0, 4096, 0, "mysqld");
    const Finding finding = only(ports("listeners-in-port-range", host));
    CHECK(finding.title == "Outgoing connections may take the port of a service: 3306 (mysqld), 8080 (nginx)");
    CHECK(proposed(finding, "net.ipv4.ip_local_reserved_ports") == "3306,8080");
    host.sysctl("net.ipv4.ip_local_reserved_ports", "3306,8080");
    CHECK(content(ports("listeners-in-port-range", host)));
    CHECK(content(ports("listeners-in-port-range", HostBuilder().listener(40000, 0, 4096))));
}
