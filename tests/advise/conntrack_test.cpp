// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {
std::vector<Finding> tables(const Snapshot& host, std::string_view id) { return judged(conntrack_rules(), host, id); }
ConntrackCpu& counters(Snapshot& host) { return host.conntrack->cpus->front(); }
} // namespace

TEST_CASE("a table that fills up gets a higher limit and its buckets together")
{
    Snapshot host = healthy_host();
    CHECK(tables(host, "conntrack-table-nearly-full").empty());
    host.conntrack->count = 220'000;
    const auto findings = tables(host, "conntrack-table-nearly-full");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Medium);
    REQUIRE(findings[0].remedy.size() == 2);
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{524'288}});
    CHECK(findings[0].remedy[1].to == Value{std::int64_t{524'288}});
    host.conntrack->count = 260'000;
    CHECK(tables(host, "conntrack-table-nearly-full")[0].severity == Severity::High);
}

TEST_CASE("a larger table is not proposed without the memory for it, nor without end")
{
    Snapshot host = healthy_host();
    host.conntrack->count = 260'000;
    host.memory->available = Bytes{64ULL << 20};
    CHECK(tables(host, "conntrack-table-nearly-full")[0].remedy.empty());
    host.memory->available = Bytes{64ULL << 30};
    host.conntrack->limit = 4'000'000;
    host.conntrack->count = 3'900'000;
    CHECK(tables(host, "conntrack-table-nearly-full")[0].remedy.empty());
}

TEST_CASE("no module is no gap; a table that may not be read is one")
{
    Snapshot host = healthy_host();
    host.conntrack = fail(Error::Kind::Absent, "nf_conntrack is not loaded");
    for (const Rule& rule : conntrack_rules()) {
        CHECK(tables(host, rule.id).empty());
        CHECK(gaps_of(conntrack_rules(), host, rule.id).empty());
    }
    host.conntrack = fail(Error::Kind::Refused, "permission denied");
    CHECK(gaps_of(conntrack_rules(), host, "conntrack-table-nearly-full").size() == 1);
}

TEST_CASE("a limit of 0 means unlimited")
{
    Snapshot host = healthy_host();
    host.conntrack->limit = 0;
    CHECK(tables(host, "conntrack-table-nearly-full").empty());
}

TEST_CASE("drops now are High, evictions Medium, totals Low")
{
    Snapshot host = healthy_host();
    CHECK(tables(host, "conntrack-drops").empty());
    counters(host).drop = {.total = 9, .growth = 0};
    REQUIRE(tables(host, "conntrack-drops").size() == 1);
    CHECK(tables(host, "conntrack-drops")[0].severity == Severity::Low);
    CHECK(tables(host, "conntrack-drops")[0].remedy.empty());
    counters(host).early_drop = {.total = 9, .growth = 9};
    CHECK(tables(host, "conntrack-drops")[0].severity == Severity::Medium);
    counters(host).drop.growth = 9;
    CHECK(tables(host, "conntrack-drops")[0].severity == Severity::High);
    CHECK_FALSE(tables(host, "conntrack-drops")[0].remedy.empty());
}

TEST_CASE("what address translation could not place is no want of room")
{
    Snapshot host = healthy_host();
    counters(host).drop = {.total = 60, .growth = 19};
    counters(host).insert_failed = {.total = 60, .growth = 19};
    CHECK(tables(host, "conntrack-drops").empty());
    CHECK(tables(host, "conntrack-insert-failed").size() == 1);
    counters(host).drop = {.total = 70, .growth = 29}; // ten more than the clashes
    REQUIRE(tables(host, "conntrack-drops").size() == 1);
    CHECK(tables(host, "conntrack-drops")[0].evidence[0].value.find("10 in") != std::string::npos);
    counters(host).chain_too_long = {.total = 9, .growth = 9}; // fail without a drop
    CHECK(tables(host, "conntrack-drops")[0].evidence[0].value.find("19 in") != std::string::npos);
    host.conntrack->count = *host.conntrack->limit; // full now: no doubt left
    CHECK(tables(host, "conntrack-drops")[0].evidence[0].value.find("29 in") != std::string::npos);
}

TEST_CASE("failed insertions point at racing datagrams")
{
    Snapshot host = healthy_host();
    counters(host).insert_failed = {.total = 2, .growth = 0};
    CHECK(tables(host, "conntrack-insert-failed").empty());
    counters(host).insert_failed = {.total = 50, .growth = 20};
    REQUIRE(tables(host, "conntrack-insert-failed").size() == 1);
    CHECK(tables(host, "conntrack-insert-failed")[0].severity == Severity::Medium);
}

TEST_CASE("buckets are few for the entries there are, not for the limit")
{
    Snapshot host = healthy_host();
    host.conntrack->buckets = 16'384; // a sixteenth of the limit, and 100 entries
    put(host, "net.netfilter.nf_conntrack_buckets", "16384");
    CHECK(tables(host, "conntrack-buckets-few").empty());
    host.conntrack->count = 100'000;
    const auto findings = tables(host, "conntrack-buckets-few");
    REQUIRE(findings.size() == 1);
    REQUIRE(findings[0].remedy.size() == 1);
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{262'144}});
    host.conntrack->count = 100;
    counters(host).chain_too_long = {.total = 3, .growth = 3};
    CHECK(tables(host, "conntrack-buckets-few")[0].severity == Severity::Medium);
}

TEST_CASE("five days are told only to a table that fills, and a timeout below keepalive to everybody")
{
    constexpr std::string_view id = "conntrack-established-timeout";
    constexpr const char* key = "net.netfilter.nf_conntrack_tcp_timeout_established";
    Snapshot host = healthy_host();
    CHECK(tables(host, id).empty());
    host.conntrack->count = 150'000;
    REQUIRE(tables(host, id).size() == 1);
    CHECK(tables(host, id)[0].remedy[0].to == Value{std::int64_t{86'400}});
    put(host, key, "600");
    CHECK(tables(host, id)[0].remedy[0].to == Value{std::int64_t{7440}});
    put(host, "net.ipv4.tcp_keepalive_time", "300");
    CHECK(tables(host, id).empty());
}

TEST_CASE("the neighbour table's thresholds are raised together and in proportion")
{
    Snapshot host = healthy_host();
    CHECK(tables(host, "neighbour-table-nearly-full").empty());
    host.neighbours->front().entries = 900;
    const auto findings = tables(host, "neighbour-table-nearly-full");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].subject == "ipv4");
    CHECK(findings[0].severity == Severity::Medium);
    REQUIRE(findings[0].remedy.size() == 3);
    CHECK(findings[0].remedy[0].to == Value{std::int64_t{2048}});
    CHECK(findings[0].remedy[1].to == Value{std::int64_t{1024}});
    CHECK(findings[0].remedy[2].to == Value{std::int64_t{512}});
    host.neighbours->front().entries = 1020;
    CHECK(tables(host, "neighbour-table-nearly-full")[0].severity == Severity::High);
}

TEST_CASE("a neighbour table that was full once is Low, and one without visible limits is judged by its counter")
{
    Snapshot host = healthy_host();
    NeighbourTable& table = host.neighbours->front();
    table.table_fulls = {.total = 3, .growth = 0};
    table.gc_thresh3 = fail(Error::Kind::Absent, "not in this namespace");
    REQUIRE(tables(host, "neighbour-table-nearly-full").size() == 1);
    CHECK(tables(host, "neighbour-table-nearly-full")[0].severity == Severity::Low);
    CHECK(tables(host, "neighbour-table-nearly-full")[0].remedy.empty());
    table.table_fulls.growth = 3;
    CHECK(tables(host, "neighbour-table-nearly-full")[0].severity == Severity::High);
}

TEST_CASE("packets dropped while a neighbour is looked up are told when they grow")
{
    Snapshot host = healthy_host();
    host.neighbours->front().unresolved_discards = {.total = 1000, .growth = 0};
    CHECK(tables(host, "neighbour-unresolved-drops").empty());
    host.neighbours->front().unresolved_discards.growth = 50;
    CHECK(tables(host, "neighbour-unresolved-drops").size() == 1);
    host.neighbours = fail(Error::Kind::Refused, "no");
    CHECK(gaps_of(conntrack_rules(), host, "neighbour-unresolved-drops").size() == 1);
}
