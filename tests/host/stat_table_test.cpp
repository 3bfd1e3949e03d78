// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/conntrack.h"
#include "host/neighbour.h"
#include "host/stat_table.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>

#include "support/scripted_netlink.h"

using namespace netwright;
using netwright::host::parse_stat_table;

TEST_CASE("columns of /proc/net/stat are found by name, whatever their place")
{
    const auto table = parse_stat_table("entries  clashres drop chainlength\n"
                                        "00000010 00000001 0000000a 00000002\n"
                                        "00000010 00000000 ffffffff 00000000\n");
    REQUIRE(table);
    CHECK((table->at(0, "drop") == Result<std::uint64_t>(10)));
    CHECK((table->sum("drop") == Result<std::uint64_t>(10 + 0xffff'ffffULL)));
    CHECK(table->at(0, "early_drop").error().kind == Error::Kind::Absent);
    CHECK(table->at(2, "drop").error().kind == Error::Kind::Absent);
    CHECK(table->sum("early_drop").error().kind == Error::Kind::Absent);

    const auto cpus = host::conntrack_cpus(*table);
    REQUIRE(cpus.size() == 2);
    CHECK(cpus[1].cpu == 1);
    CHECK(cpus[0].drop.total == 10);
    CHECK(cpus[0].clash_resolve.total == 1);
    CHECK(cpus[0].chain_too_long.total == 2);
    CHECK(cpus[0].early_drop.total == 0);
}

TEST_CASE("a statistics table that is none is refused")
{
    for (const char* bad : {"", "\n", "a b\n1 2 3\n", "a b\nxyz 1\n", "a\n-1\n"}) {
        CAPTURE(bad);
        CHECK(parse_stat_table(bad).error().kind == Error::Kind::Malformed);
    }
    CHECK(parse_stat_table("a b\n")->sum("a").error().kind == Error::Kind::Absent); // no CPU
}

TEST_CASE("neighbour counters are summed, entries are not")
{
    host::StatTable stat = *parse_stat_table("entries res_failed unresolved_discards table_fulls\n5 1 2 3\n5 1 2 3\n");
    NeighbourTable table;
    host::read_neighbour_counters(table, stat);
    CHECK(table.entries == 5);
    CHECK(table.resolve_failed.total == 2);
    CHECK(table.unresolved_discards.total == 4);
    CHECK(table.table_fulls.total == 6);
}

TEST_CASE("conntrack statistics over netlink are in network order")
{
    const auto type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS_CPU);
    kernel::Request request(type, 0);
    request.header(nfgenmsg{0, 0, htons(3)})
        .put_u32(CTA_STATS_DROP, htonl(7))
        .put_u32(CTA_STATS_CHAIN_TOOLONG, htonl(9));
    const auto cpu = host::parse_conntrack_cpu(support::header(support::message(request)));
    REQUIRE(cpu);
    CHECK(cpu->cpu == 3);
    CHECK(cpu->drop.total == 7);
    CHECK(cpu->chain_too_long.total == 9);
    CHECK_FALSE(host::parse_conntrack_cpu(support::header(support::message(kernel::Request(type, 0)))));
    CHECK_FALSE(host::parse_conntrack_cpu(support::header(support::message(kernel::Request(5, 0).header(nfgenmsg{})))));
}

TEST_CASE("a message about one interface's neighbour parameters is no table")
{
    ndtmsg head{};
    head.ndtm_family = AF_INET;
    kernel::Request parameters(RTM_NEWNEIGHTBL, 0);
    parameters.header(head).put_text(NDTA_NAME, "arp_cache");
    CHECK_FALSE(host::parse_neighbour_table(support::header(support::message(parameters))));

    ndt_config config{};
    config.ndtc_entries = 12;
    ndt_stats stats{};
    stats.ndts_table_fulls = 4;
    kernel::Request whole(RTM_NEWNEIGHTBL, 0);
    whole.header(head).put_u32(NDTA_THRESH3, 1024).put(NDTA_CONFIG, std::as_bytes(std::span(&config, 1)));
    whole.put(NDTA_STATS, std::as_bytes(std::span(&stats, 1)));
    const auto table = host::parse_neighbour_table(support::header(support::message(whole)));
    REQUIRE(table);
    CHECK(table->family == "ipv4");
    CHECK(table->entries == 12);
    CHECK(table->gc_thresh3.value_or(0) == 1024);
    CHECK(table->gc_thresh1.error() == unseen().error());
    CHECK(table->table_fulls.total == 4);
}
