// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/growth.h"

#include <doctest/doctest.h>

using namespace netwright;
using netwright::host::grow_since;

namespace {

Nic nic(std::string name, std::uint32_t index, std::uint64_t packets)
{
    Nic nic;
    nic.name = std::move(name);
    nic.index = index;
    nic.statistics = CounterTable({{"rx_packets", {packets, 0}}});
    return nic;
}

std::uint64_t rx_growth(const Nic& nic) { return nic.statistics->at("rx_packets")->growth; }

Qdisc qdisc(std::string nic, std::string handle, std::string parent, std::uint64_t bytes, std::uint64_t drops)
{
    Qdisc qdisc;
    qdisc.nic = std::move(nic);
    qdisc.kind = "fq";
    qdisc.handle = std::move(handle);
    qdisc.parent = std::move(parent);
    qdisc.bytes.total = bytes;
    qdisc.drops.total = drops;
    return qdisc;
}

} // namespace

TEST_CASE("interfaces are paired by name, whatever their order")
{
    std::vector<Nic> now{nic("eth1", 3, 50), nic("eth0", 2, 110)};
    grow_since(now, {nic("eth0", 2, 100), nic("eth1", 3, 20)});
    CHECK(rx_growth(now[0]) == 30);
    CHECK(rx_growth(now[1]) == 10);
}

TEST_CASE("an interface that appeared, or took over a name, has not grown")
{
    std::vector<Nic> now{nic("eth0", 9, 110), nic("new", 10, 5)};
    grow_since(now, {nic("eth0", 2, 100), nic("gone", 3, 7)});
    CHECK(rx_growth(now[0]) == 0);
    CHECK(rx_growth(now[1]) == 0);
}

TEST_CASE("counters that could not be read in one of the samples are left alone")
{
    std::vector<Nic> now{nic("eth0", 2, 110)};
    std::vector<Nic> earlier{nic("eth0", 2, 100)};
    earlier[0].statistics = unseen();
    grow_since(now, earlier);
    CHECK(rx_growth(now[0]) == 0);
    Result<std::vector<Nic>> some = now;
    grow_since(some, Result<std::vector<Nic>>(fail(Error::Kind::Refused, "no")));
    CHECK(rx_growth(some->front()) == 0);
}

TEST_CASE("qdiscs are paired by interface, parent and handle")
{
    std::vector<Qdisc> now{qdisc("eth0", "0:", ":2", 30, 3), qdisc("eth0", "0:", ":1", 20, 2)};
    grow_since(now, {qdisc("eth0", "0:", ":1", 15, 1), qdisc("eth0", "0:", ":2", 10, 0)});
    CHECK(now[0].bytes.growth == 20);
    CHECK(now[0].drops.growth == 3);
    CHECK(now[1].bytes.growth == 5);
    CHECK(now[1].drops.growth == 1);
}

TEST_CASE("a qdisc's drops wrap at 2^32; a replaced qdisc has not grown")
{
    std::vector<Qdisc> now{qdisc("eth0", "1:", "root", 30, 4), qdisc("eth1", "1:", "root", 30, 4)};
    grow_since(now, {qdisc("eth0", "1:", "root", 10, 0xffff'fffe), qdisc("eth1", "1:", "root", 1000, 100)});
    CHECK(now[0].drops.growth == 6);
    CHECK(now[1].bytes.growth == 0);
    CHECK(now[1].drops.growth == 0);
}

TEST_CASE("conntrack counters are paired by CPU and wrap at 2^32")
{
    Conntrack now, earlier;
    now.cpus = std::vector<ConntrackCpu>(2);
    now.cpus->at(0).cpu = 4;
    now.cpus->at(0).drop.total = 1;
    now.cpus->at(1).cpu = 0;
    now.cpus->at(1).insert_failed.total = 12;
    earlier.cpus = std::vector<ConntrackCpu>(2);
    earlier.cpus->at(0).cpu = 0;
    earlier.cpus->at(0).insert_failed.total = 10;
    earlier.cpus->at(1).cpu = 4;
    earlier.cpus->at(1).drop.total = 0xffff'ffff;
    grow_since(now, earlier);
    CHECK(now.cpus->at(0).drop.growth == 2);
    CHECK(now.cpus->at(1).insert_failed.growth == 2);
}

TEST_CASE("neighbour tables are paired by family")
{
    NeighbourTable v4, v6;
    v4.family = "ipv4";
    v6.family = "ipv6";
    v6.table_fulls.total = 3;
    std::vector<NeighbourTable> earlier{v4, v6};
    v6.table_fulls.total = 10;
    std::vector<NeighbourTable> now{v6, v4};
    grow_since(now, earlier);
    CHECK(now[0].table_fulls.growth == 7);
    CHECK(now[1].table_fulls.growth == 0);
}
