// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Finding> steering(const Snapshot& host, std::string_view id) { return judged(softirq_rules(), host, id); }

Snapshot hot_single_queue()
{
    Snapshot host = healthy_host();
    nic(host).queues = queues(1);
    nic(host).channels = Channels{.combined = 1, .combined_max = 1};
    receive(host, 2'000'000);
    heat(host, 0, 85);
    return host;
}

} // namespace

TEST_CASE("a hot single queue gets RPS over the CPUs near the NIC, isolated ones left out")
{
    Snapshot host = hot_single_queue();
    host.topology->isolated = cpus("3");
    const auto findings = steering(host, "rps-single-queue");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::High);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(to_text(findings[0].remedy[0].tunable) == "queue/eth0/rx-0/rps_cpus");
    CHECK(findings[0].remedy[0].to == Value{cpus("0-2")});
    CHECK(findings[0].remedy[0].from == Value{CpuSet{}});
}

TEST_CASE("an idle single queue, one with RPS, one that could become several, and a single CPU are left alone")
{
    Snapshot idle = hot_single_queue();
    heat(idle, 0, 5);
    CHECK(steering(idle, "rps-single-queue").empty());

    Snapshot done = hot_single_queue();
    nic(done).queues->front().cpus = cpus("0-3");
    CHECK(steering(done, "rps-single-queue").empty());

    Snapshot more = hot_single_queue();
    nic(more).channels->combined_max = 4;
    CHECK(steering(more, "rps-single-queue").empty());

    Snapshot alone = hot_single_queue();
    alone.topology->online = cpus("0");
    CHECK(steering(alone, "rps-single-queue").empty());

    Snapshot calm = hot_single_queue();
    receive(calm, 1000); // hot for another reason
    CHECK(steering(calm, "rps-single-queue").empty());
}

TEST_CASE("RPS on a NIC with a queue for each CPU is undone where it is seen to cost, and noted elsewhere")
{
    Snapshot host = healthy_host();
    CHECK(steering(host, "rps-beside-rss").empty());
    nic(host).queues->front().cpus = cpus("0-3");
    REQUIRE(steering(host, "rps-beside-rss").size() == 1);
    CHECK(steering(host, "rps-beside-rss")[0].severity == Severity::Info);
    CHECK(steering(host, "rps-beside-rss")[0].confidence == Confidence::Convention);

    host.softnet->front().received_rps = {.total = 9, .growth = 900'000};
    const auto findings = steering(host, "rps-beside-rss");
    CHECK(findings[0].severity == Severity::Low);
    CHECK(findings[0].remedy[0].to == Value{CpuSet{}});
}

TEST_CASE("RPS that serves RFS, or fewer queues than CPUs, has a purpose")
{
    Snapshot host = healthy_host();
    nic(host).queues->front().cpus = cpus("0-3");
    nic(host).queues->front().flow_count = 4096;
    put(host, "net.core.rps_sock_flow_entries", "32768");
    CHECK(steering(host, "rps-beside-rss").empty());

    Snapshot few = healthy_host();
    nic(few).queues = queues(2);
    nic(few).queues->front().cpus = cpus("0-3");
    CHECK(steering(few, "rps-beside-rss").empty());
}

TEST_CASE("RFS that is on in one place only gets its other half")
{
    Snapshot host = healthy_host();
    CHECK(steering(host, "rfs-half-configured").empty());
    put(host, "net.core.rps_sock_flow_entries", "32768");
    const auto queues_missing = steering(host, "rfs-half-configured");
    REQUIRE(queues_missing.size() == 1);
    REQUIRE(queues_missing[0].remedy.size() == 4);
    CHECK(queues_missing[0].remedy[0].to == Value{std::int64_t{8192}});

    for (Queue& queue : *nic(host).queues)
        if (queue.name.starts_with("rx")) queue.flow_count = 8192;
    CHECK(steering(host, "rfs-half-configured").empty());

    put(host, "net.core.rps_sock_flow_entries", "0");
    const auto table_missing = steering(host, "rfs-half-configured");
    REQUIRE(table_missing.size() == 1);
    REQUIRE(table_missing[0].remedy.size() == 1);
    CHECK(table_missing[0].remedy[0].to == Value{std::int64_t{32768}});

    drop_sysctl(host, "net.core.rps_sock_flow_entries"); // a child namespace: nothing to judge, and no gap
    CHECK(steering(host, "rfs-half-configured").empty());
    CHECK(gaps_of(softirq_rules(), host, "rfs-half-configured").empty());
}

TEST_CASE("CPUs without a transmit queue join the queues in turn when much is sent")
{
    Snapshot host = healthy_host();
    nic(host).queues = queues(2); // tx-0 has CPU 0, tx-1 has CPU 1
    CHECK(steering(host, "xps-incomplete").empty());
    put(nic(host).statistics, "tx_packets", {.total = 9'000'000, .growth = 5'000'000});
    const auto findings = steering(host, "xps-incomplete");
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].remedy.size() == 2);
    CHECK(findings[0].remedy[0].to == Value{cpus("0,2")});
    CHECK(findings[0].remedy[1].to == Value{cpus("1,3")});

    nic(host).queues = queues(4);
    CHECK(steering(host, "xps-incomplete").empty());
}
