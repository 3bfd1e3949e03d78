// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about RPS, XPS and RFS against the topology.
#include "advise/rule.h"

#include <doctest/doctest.h>

#include <map>

#include "support/machine.h"
#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Finding> ask(const Snapshot& host, std::string_view id, const Intent& intent = {})
{
    return judged(softirq_rules(), host, id, intent);
}

std::map<std::string, std::string> moves(const Finding& finding)
{
    std::map<std::string, std::string> all;
    for (const Change& change : finding.remedy)
        all[to_text(change.tunable)] = to_text(*change.to);
    return all;
}

Snapshot two_nodes() // four CPUs, eth0 on node 1
{
    Snapshot host = healthy_host();
    host.topology = topology_of({2, 2, 1});
    nic(host).node = 1;
    nic(host).local_cpus = cpus("2-3");
    return host;
}

Queue& queue(Snapshot& host, std::string_view name)
{
    return *std::ranges::find(*nic(host).queues, name, &Queue::name);
}

} // namespace

TEST_CASE("RPS stays on the NIC's node")
{
    Snapshot host = two_nodes();
    CHECK(ask(host, "rps-remote-node").empty()); // off
    queue(host, "rx-0").cpus = cpus("0-3");
    queue(host, "rx-1").cpus = cpus("0-1");
    queue(host, "rx-2").cpus = cpus("2-3");
    const auto findings = ask(host, "rps-remote-node");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0]) == std::map<std::string, std::string>{{"queue/eth0/rx-0/rps_cpus", "list:2-3"},
                                                                   {"queue/eth0/rx-1/rps_cpus", "list:2-3"}});
    CHECK(findings[0].severity == Severity::Low);
    receive(host, 1'000'000);
    CHECK(ask(host, "rps-remote-node")[0].severity == Severity::Medium);
    host.topology->isolated = cpus("3"); // one CPU alone cannot share
    CHECK(ask(host, "rps-remote-node").empty());
    host.topology = topology_of({1, 4, 1});
    CHECK(ask(host, "rps-remote-node").empty());
}

TEST_CASE("a CPU sends through the queue whose interrupt it takes")
{
    Snapshot host = healthy_host();
    host.topology = topology_of({1, 4, 1});
    put(nic(host).statistics, "tx_packets", {.total = 9'000'000, .growth = 1'000'000});
    for (unsigned i = 0; i < 4; ++i)
        (*nic(host).interrupts)[i].action = fmt::format("eth0-TxRx-{}", i);
    CHECK(ask(host, "xps-apart-from-interrupt").empty());
    queue(host, "tx-0").cpus = cpus("1");
    queue(host, "tx-1").cpus = cpus("0");
    const auto findings = ask(host, "xps-apart-from-interrupt");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0]) == std::map<std::string, std::string>{{"queue/eth0/tx-0/xps_cpus", "list:0"},
                                                                   {"queue/eth0/tx-1/xps_cpus", "list:1"}});
    put(nic(host).statistics, "tx_packets", {.total = 9'000'000, .growth = 1'000});
    CHECK(ask(host, "xps-apart-from-interrupt").empty()); // hardly sends
}

TEST_CASE("XPS is not judged where a queue's interrupt goes to several CPUs or is not known")
{
    Snapshot host = healthy_host();
    host.topology = topology_of({1, 4, 1});
    put(nic(host).statistics, "tx_packets", {.total = 9'000'000, .growth = 1'000'000});
    queue(host, "tx-0").cpus = cpus("1");
    CHECK(ask(host, "xps-apart-from-interrupt").empty()); // receive interrupts only
    for (unsigned i = 0; i < 4; ++i)
        (*nic(host).interrupts)[i].action = fmt::format("eth0-TxRx-{}", i);
    REQUIRE(ask(host, "xps-apart-from-interrupt").size() == 1);
    (*nic(host).interrupts)[0].effective = cpus("0-1");
    CHECK(ask(host, "xps-apart-from-interrupt").empty());
    nic(host).interrupts = fail(Error::Kind::Refused, "permission denied", 13);
    CHECK(gaps_of(softirq_rules(), host, "xps-apart-from-interrupt").size() == 1);
}

TEST_CASE("RFS has an entry for each connection, and each queue its share")
{
    Snapshot host = healthy_host();
    put(host, "net.core.rps_sock_flow_entries", "32768");
    host.sockets = SocketSummary{};
    host.sockets->tcp_states = {{"established", 50'000}};
    CHECK(ask(host, "rfs-table-small").empty()); // off: no queue has a table
    for (unsigned i = 0; i < 4; ++i)
        queue(host, fmt::format("rx-{}", i)).flow_count = 8192;
    const auto findings = ask(host, "rfs-table-small");
    REQUIRE(findings.size() == 1);
    CHECK(moves(findings[0]) == std::map<std::string, std::string>{{"sysctl/net.core.rps_sock_flow_entries", "65536"},
                                                                   {"queue/eth0/rx-0/rps_flow_cnt", "16384"},
                                                                   {"queue/eth0/rx-1/rps_flow_cnt", "16384"},
                                                                   {"queue/eth0/rx-2/rps_flow_cnt", "16384"},
                                                                   {"queue/eth0/rx-3/rps_flow_cnt", "16384"}});
    host.sockets->tcp_states = {{"established", 30'000}};
    CHECK(ask(host, "rfs-table-small").empty());
    Intent intent;
    intent.connections = Answer<std::uint64_t>{200'000, true, "--connections"};
    CHECK(moves(ask(host, "rfs-table-small", intent)[0])["sysctl/net.core.rps_sock_flow_entries"] == "262144");
}
