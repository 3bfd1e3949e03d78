// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {
std::vector<Finding> egress(const Snapshot& host, std::string_view id) { return judged(nic_rules(), host, id); }
} // namespace

TEST_CASE("an MTU below 1280 takes IPv6 away, unless IPv6 is not wanted")
{
    Snapshot host = healthy_host();
    CHECK(egress(host, "mtu-disables-ipv6").empty());
    nic(host).name = "eth0.5";
    nic(host, "eth0.5").mtu = 1200;
    CHECK(egress(host, "mtu-disables-ipv6").size() == 1);
    put(host, "net.ipv6.conf.eth0/5.disable_ipv6", "1");
    CHECK(egress(host, "mtu-disables-ipv6").empty());
    put(host, "net.ipv6.conf.eth0/5.disable_ipv6", "0");
    put(host, "net.ipv6.conf.all.disable_ipv6", "1");
    CHECK(egress(host, "mtu-disables-ipv6").empty());
}

TEST_CASE("a bridge port with a smaller MTU loses large frames; one with a larger does not")
{
    Snapshot host = healthy_host();
    nic(host, "veth0").master = nic(host, "br0").index;
    nic(host, "veth0").mtu = 9000;
    CHECK(egress(host, "bridge-mtu-mismatch").empty());
    nic(host, "veth0").mtu = 1400;
    REQUIRE(egress(host, "bridge-mtu-mismatch").size() == 1);
    CHECK(egress(host, "bridge-mtu-mismatch")[0].subject == "br0");
    nic(host, "veth0").up = false;
    CHECK(egress(host, "bridge-mtu-mismatch").empty());
}

TEST_CASE("queue drops are weighed, and disciplines that drop on purpose are not accused")
{
    Snapshot host = healthy_host();
    Qdisc& root = host.qdiscs->front();
    root.packets = {.total = 50'000'000, .growth = 1'000'000};
    root.drops = {.total = 5'000, .growth = 5'000};
    for (const auto& [kind, severity] :
         {std::pair{"pfifo_fast", Severity::High}, {"fq", Severity::High}, {"fq_codel", Severity::Info}}) {
        root.kind = kind;
        REQUIRE(egress(host, "qdisc-drops").size() == 1);
        CHECK(egress(host, "qdisc-drops")[0].severity == severity);
    }
    for (const char* kind : {"tbf", "netem", "htb"}) {
        root.kind = kind;
        CHECK(egress(host, "qdisc-drops").empty());
    }
}

TEST_CASE("below mq the first queue says what kind it is, and only the sum is counted")
{
    Snapshot host = healthy_host();
    host.qdiscs->front().kind = "mq";
    host.qdiscs->front().packets.growth = 1'000'000;
    host.qdiscs->front().drops = {.total = 5'000, .growth = 5'000};
    host.qdiscs->push_back({"eth0", "fq_codel", "0:", ":1", {}, {}, {.total = 5'000, .growth = 5'000}, {}, {}});
    REQUIRE(egress(host, "qdisc-drops").size() == 1);
    CHECK(egress(host, "qdisc-drops")[0].severity == Severity::Info);
    host.qdiscs = fail(Error::Kind::Refused, "qdiscs: operation not permitted", 1);
    CHECK_FALSE(gaps_of(nic_rules(), host, "qdisc-drops").empty());
}

TEST_CASE("a backlog is long by the time it needs, and fq's pacing is none")
{
    Snapshot host = healthy_host();
    Qdisc& root = host.qdiscs->front();
    root.kind = "pfifo_fast";
    root.queued_packets = 1000;
    root.backlog_bytes = 1'500'000; // 1.2 ms at 10 Gbit/s
    CHECK(egress(host, "qdisc-backlog").empty());
    nic(host).speed_mbit = 100; // 120 ms
    CHECK(egress(host, "qdisc-backlog").size() == 1);
    root.kind = "fq";
    CHECK(egress(host, "qdisc-backlog").empty());
    root.kind = "pfifo_fast";
    nic(host).speed_mbit = fail(Error::Kind::Absent, "unknown");
    CHECK(egress(host, "qdisc-backlog").size() == 1);
    root.queued_packets = 20;
    CHECK(egress(host, "qdisc-backlog").empty());
}

TEST_CASE("a huge txqueuelen goes back to the default where a plain FIFO uses it")
{
    Snapshot host = healthy_host();
    nic(host).txqueuelen = 10'000;
    CHECK(egress(host, "txqueuelen-huge").empty()); // fq_codel ignores it
    host.qdiscs->front().kind = "pfifo_fast";
    const auto findings = egress(host, "txqueuelen-huge"); // 12 ms at 10 Gbit/s
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(to_text(findings[0].remedy[0].tunable) == "link/eth0/txqueuelen");
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{1000}});
    nic(host).speed_mbit = 100'000; // 1.2 ms
    CHECK(egress(host, "txqueuelen-huge").empty());
}
