// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/infer.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace std::chrono_literals;
using advise::infer;

namespace {

ConnectionGroup group(std::uint64_t connections, std::uint64_t rtt_us)
{
    ConnectionGroup one;
    one.connections = connections;
    for (std::uint64_t i = 0; i < connections; ++i)
        one.min_rtt_us.add(rtt_us);
    return one;
}

Nic nic(std::string name, std::uint32_t speed_mbit)
{
    Nic one;
    one.name = std::move(name);
    one.physical = one.up = one.carrier = true;
    if (speed_mbit != 0) one.speed_mbit = speed_mbit;
    return one;
}

Snapshot gateway()
{
    Snapshot host;
    host.sysctls = SysctlTable(std::vector<SysctlValue>{{"net.ipv4.ip_forward", "1"}});
    Conntrack table;
    table.count = 50'000;
    table.limit = 262'144;
    host.conntrack = table;
    Listener ssh;
    ssh.address = "0.0.0.0";
    ssh.port = 22;
    Listener resolver;
    resolver.address = "127.0.0.53";
    resolver.port = 53;
    SocketSummary sockets;
    sockets.listeners = {ssh, resolver};
    host.sockets = sockets;
    return host;
}

} // namespace

TEST_CASE("a snapshot that saw nothing suggests nothing")
{
    const Intent intent = infer(Snapshot{}, {});
    CHECK(intent.workload.value == Workload::General);
    CHECK_FALSE(intent.workload.given);
    CHECK_FALSE(intent.rtt);
    CHECK_FALSE(intent.bandwidth);
    CHECK_FALSE(intent.loss);
    CHECK_FALSE(intent.connections);
    CHECK_FALSE(intent.connection_rate);
}

TEST_CASE("the round trip is the 90th percentile over all algorithms, and says over how many connections")
{
    Snapshot host;
    SocketSummary sockets;
    sockets.established = {group(300, 1'000), group(112, 40'000)};
    host.sockets = sockets;
    const Intent intent = infer(host, {});
    REQUIRE(intent.rtt);
    CHECK(intent.rtt->value >= 35ms);
    CHECK(intent.rtt->value <= 45ms);
    CHECK(intent.rtt->reason == "90th percentile of the smallest round trips of 412 established connections");
    CHECK_FALSE(intent.rtt->given);
}

TEST_CASE("a handful of connections is an anecdote, not a round trip")
{
    Snapshot host;
    SocketSummary sockets;
    sockets.established = {group(3, 40'000)};
    host.sockets = sockets;
    CHECK_FALSE(infer(host, {}).rtt);
}

TEST_CASE("the bandwidth is the slowest interface that is up and tells its speed; virtio tells none")
{
    Snapshot host;
    host.nics = std::vector{nic("eth0", 25'000), nic("eth1", 10'000), nic("eth2", 0), nic("eth3", 100)};
    host.nics->back().carrier = false;
    const Intent intent = infer(host, {});
    REQUIRE(intent.bandwidth);
    CHECK(intent.bandwidth->value == 10_Gbit);
    CHECK(intent.bandwidth->reason == "speed of eth1, the slowest of 2 interfaces");
    host.nics = std::vector{nic("eth0", 0)};
    CHECK_FALSE(infer(host, {}).bandwidth);
}

TEST_CASE("loss is what was sent again, once enough was sent")
{
    Snapshot host;
    SocketSummary sockets;
    ConnectionGroup busy = group(30, 1'000);
    busy.bytes_sent = 1'000'000'000;
    busy.bytes_retransmitted = 5'000'000;
    sockets.established = {busy};
    host.sockets = sockets;
    REQUIRE(infer(host, {}).loss);
    CHECK(infer(host, {}).loss->value == doctest::Approx(0.005));
    host.sockets->established[0].bytes_sent = 6'000'000;
    CHECK_FALSE(infer(host, {}).loss);
}

TEST_CASE("connections and their rate come from sock_diag and the protocol counters")
{
    Snapshot host;
    host.protocols = CounterTable({{"TcpCurrEstab", {77, 0}}, {"TcpPassiveOpens", {100'000, 2'500}}});
    CHECK(infer(host, {}).connections->value == 77);
    CHECK_FALSE(infer(host, {}).connection_rate); // one sample only
    host.interval = 5s;
    CHECK(infer(host, {}).connection_rate->value == 500);
    CHECK(infer(host, {}).connection_rate->reason == "2,500 connections accepted in 5 s");
    SocketSummary sockets;
    sockets.tcp_states = {{"established", 70}};
    host.sockets = sockets;
    CHECK(infer(host, {}).connections->value == 70);
}

TEST_CASE("a workload is inferred only where it is plain")
{
    CHECK(infer(gateway(), {}).workload.value == Workload::Gateway);
    Snapshot serving = gateway();
    Listener https;
    https.address = "0.0.0.0";
    https.port = 443;
    serving.sockets->listeners.push_back(https);
    CHECK(infer(serving, {}).workload.value == Workload::General);
    Snapshot idle = gateway();
    idle.conntrack->count = 12;
    CHECK(infer(idle, {}).workload.value == Workload::General);
    Snapshot host;
    host.services = std::vector{Service{"kubelet", true, 1, {}}};
    CHECK(infer(host, {}).workload.value == Workload::Kubernetes);
    host.services->front().running = false;
    CHECK(infer(host, {}).workload.value == Workload::General);
}

TEST_CASE("what a person said stays as it is")
{
    Intent given;
    given.workload = {Workload::WebServer, true, "--workload"};
    given.rtt = Answer<Nanoseconds>{50ms, true, "--rtt"};
    Snapshot host = gateway();
    host.sockets->established = {group(412, 1'000)};
    const Intent intent = infer(host, given);
    CHECK(intent.workload == given.workload);
    CHECK(intent.rtt == given.rtt);
}

TEST_CASE("the rate of datagrams counts both address families, and a trickle is not a load")
{
    Snapshot host;
    host.interval = std::chrono::seconds{2};
    host.protocols = CounterTable({{"UdpInDatagrams", {5000, 150}}, {"Udp6InDatagrams", {5000, 850}}});
    const Intent busy = advise::infer(host, {});
    REQUIRE(busy.datagram_rate);
    CHECK(busy.datagram_rate->value == 500);
    CHECK(busy.datagram_rate->reason == "1,000 UDP datagrams received in 2 s");
    host.protocols = CounterTable({{"UdpInDatagrams", {5000, 150}}});
    CHECK_FALSE(advise::infer(host, {}).datagram_rate);
}
