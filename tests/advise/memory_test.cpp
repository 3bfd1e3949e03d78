// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

Judgement memory(std::string_view id, const HostBuilder& host) { return ask(memory_rules(), id, host.build()); }

HostBuilder with_udp_socket(std::uint32_t buffer, std::uint64_t drops)
{
    HostBuilder host;
    UdpSocket socket;
    socket.address = "0.0.0.0";
    socket.port = 514;
    socket.receive_buffer = buffer;
    socket.drops = drops;
    socket.owner = SocketOwner{77, "rsyslogd"};
    host.sockets.udp = {socket};
    host.counter("UdpRcvbufErrors", 5000, 200);
    return host;
}

} // namespace

TEST_CASE("TCP memory above the pressure value is high, and raised only within an eighth of RAM")
{
    HostBuilder host;
    host.snapshot.sockstat->tcp_memory_pages = 260000;
    const Finding finding = only(memory("tcp-memory-pressure", host));
    CHECK(finding.severity == Severity::High);
    CHECK(finding.confidence == Confidence::Measured);
    CHECK(proposed(finding, "net.ipv4.tcp_mem") == "262144 349525 524288");
    host.sysctl("net.ipv4.tcp_mem", "191931 255909 600000");
    CHECK(only(memory("tcp-memory-pressure", host)).remedy.empty());
}

TEST_CASE("pressure at some time since boot is low and changes nothing")
{
    const Finding finding = only(memory("tcp-memory-pressure", HostBuilder().counter("TcpExtTCPMemoryPressures", 12)));
    CHECK(finding.severity == Severity::Low);
    CHECK(finding.confidence == Confidence::SinceBoot);
    CHECK(finding.remedy.empty());
    CHECK(content(memory("tcp-memory-pressure", HostBuilder())));
}

TEST_CASE("in a namespace without tcp_mem the pressure is not judged")
{
    CHECK(not_judged(memory("tcp-memory-pressure", HostBuilder().without("net.ipv4.tcp_mem")), Error::Kind::Absent));
    HostBuilder blind;
    blind.snapshot.sockstat = fail(Error::Kind::Refused, "read /proc/net/sockstat: permission denied");
    CHECK(not_judged(memory("tcp-memory-pressure", blind), Error::Kind::Refused));
}

TEST_CASE("datagrams lost at udp_mem are found, and nothing is raised blindly")
{
    const Finding finding = only(memory("udp-memory-pressure", HostBuilder().counter("UdpMemErrors", 10, 4)));
    CHECK(finding.severity == Severity::High);
    CHECK(finding.remedy.empty());
    CHECK(content(memory("udp-memory-pressure", HostBuilder())));
}

TEST_CASE("dropped receive data is medium, compaction low, and totals since boot nothing")
{
    CHECK(only(memory("tcp-receive-pruned", HostBuilder().counter("TcpExtRcvPruned", 90, 20))).severity ==
          Severity::Medium);
    CHECK(only(memory("tcp-receive-pruned", HostBuilder().counter("TcpExtPruneCalled", 90, 20))).severity ==
          Severity::Low);
    CHECK(content(memory("tcp-receive-pruned", HostBuilder().counter("TcpExtRcvPruned", 900))));
    CHECK(content(memory("tcp-receive-pruned", HostBuilder().counter("TcpExtRcvPruned", 900, 9))));
}

TEST_CASE("a UDP socket stopped by rmem_max raises rmem_max, twofold")
{
    const Finding finding = only(memory("udp-receive-drops", with_udp_socket(2 * 212992, 200)));
    CHECK(finding.severity == Severity::High);
    CHECK(finding.title.find("UDP port 514 (rsyslogd)") != std::string::npos);
    CHECK(proposed(finding, "net.core.rmem_max") == "425984");
}

TEST_CASE("a UDP socket that never asked is told to ask: rmem_default stays")
{
    const Finding finding = only(memory("udp-receive-drops", with_udp_socket(212992, 200)));
    CHECK(finding.remedy.empty());
    CHECK(finding.advice.at(0).find("SO_RCVBUF") != std::string::npos);
}

TEST_CASE("rmem_max is never raised beyond 64 MiB")
{
    auto host = with_udp_socket(2U * (64U << 20), 200).sysctl("net.core.rmem_max", "67108864");
    CHECK(only(memory("udp-receive-drops", host)).remedy.empty());
}

TEST_CASE("few datagrams lost since boot are no finding, many are low")
{
    CHECK(content(memory("udp-receive-drops", HostBuilder().counter("UdpRcvbufErrors", 20))));
    const Finding finding = only(memory("udp-receive-drops", HostBuilder().counter("UdpRcvbufErrors", 20000)));
    CHECK(finding.severity == Severity::Low);
    CHECK(not_judged(memory("udp-receive-drops", HostBuilder().without("UdpRcvbufErrors")), Error::Kind::Absent));
}
