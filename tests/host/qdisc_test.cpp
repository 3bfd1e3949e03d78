// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/growth.h"
#include "host/qdisc.h"

#include <doctest/doctest.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

using namespace netwright;

namespace {

template <class Statistics>
std::span<const std::byte> bytes_of(const Statistics& statistics)
{
    return std::as_bytes(std::span(&statistics, 1));
}

// A qdisc as the kernel tells it, with what its kind counts beside.
Qdisc told(const char* kind, std::span<const std::byte> own)
{
    kernel::Request message(RTM_NEWQDISC, 0);
    tcmsg head{};
    head.tcm_parent = TC_H_ROOT;
    head.tcm_handle = 0x80010000;
    message.header(head).put_text(TCA_KIND, kind);
    const std::size_t nest = message.begin(TCA_STATS2);
    message.put(TCA_STATS_APP, own);
    message.end(nest);
    const auto bytes = message.bytes();
    const auto qdisc = host::parse_qdisc(*reinterpret_cast<const nlmsghdr*>(bytes.data()),
                                         [](std::uint32_t) { return std::string("eth0"); });
    REQUIRE(qdisc);
    return *qdisc;
}

std::uint64_t total(const Qdisc& qdisc, std::string_view name)
{
    const auto counter = qdisc.details->at(name);
    REQUIRE(counter);
    return counter->total;
}

} // namespace

TEST_CASE("what fq counts beside is read by name, and grows between two looks")
{
    tc_fq_qd_stats statistics{};
    statistics.flows_plimit = 7;
    statistics.throttled = 1'000'000'000'000;
    const Qdisc before = told("fq", bytes_of(statistics));
    CHECK(total(before, "flows_plimit") == 7);
    CHECK(total(before, "throttled") == 1'000'000'000'000);
    CHECK(total(before, "horizon_drops") == 0);
    statistics.flows_plimit = 10;
    std::vector<Qdisc> now{told("fq", bytes_of(statistics))};
    host::grow_since(now, {before});
    CHECK(now[0].details->at("flows_plimit")->growth == 3);
}

TEST_CASE("an older kernel's shorter statistics simply hold fewer counters")
{
    tc_fq_qd_stats statistics{};
    statistics.flows_plimit = 7;
    const Qdisc qdisc = told("fq", bytes_of(statistics).first(offsetof(tc_fq_qd_stats, ce_mark)));
    CHECK(total(qdisc, "flows_plimit") == 7);
    CHECK(qdisc.details->at("ce_mark").error().kind == Error::Kind::Absent);
}

TEST_CASE("fq_codel tells what it marked and dropped; a class's numbers are not taken for a qdisc's")
{
    tc_fq_codel_xstats statistics{};
    statistics.type = TCA_FQ_CODEL_XSTATS_QDISC;
    statistics.qdisc_stats.ecn_mark = 5;
    statistics.qdisc_stats.drop_overmemory = 2;
    const Qdisc qdisc = told("fq_codel", bytes_of(statistics));
    CHECK(total(qdisc, "ecn_mark") == 5);
    CHECK(total(qdisc, "drop_overmemory") == 2);
    statistics.type = TCA_FQ_CODEL_XSTATS_CLASS;
    CHECK(told("fq_codel", bytes_of(statistics)).details->all().empty());
}

TEST_CASE("a kind that is not known has no counters of its own")
{
    CHECK(told("cake", bytes_of(std::uint64_t{1})).details->all().empty());
    CHECK(told("fq", {}).details->all().empty());
}
