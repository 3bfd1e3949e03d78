// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses of qdiscs, routes, rules, untracked ports, MPTCP and congestion control.
#include "model/tunable.h"

#include <doctest/doctest.h>

using namespace netwright;

TEST_CASE("addresses of paths read back as the same text")
{
    for (const char* text : {"qdisc/eth0/root",
                             "qdisc/eth0.100/tx-12",
                             "route/default/initcwnd",
                             "route/10.0.0.0/8@eth1/initrwnd",
                             "route/::/0/mtu",
                             "route/2001:db8::/32@table:100/congctl",
                             "route/default@eth0@table:100@metric:50/quickack",
                             "route/192.0.2.7/advmss",
                             "rule/ipv4/10010",
                             "rule/ipv6/1",
                             "table/210/default",
                             "table/300/10.0.0.0/8",
                             "table/210/::/0",
                             "notrack/tcp/80",
                             "notrack/udp/53",
                             "mptcp/endpoint/192.0.2.10",
                             "mptcp/endpoint/2001:db8::1",
                             "mptcp/limit/subflows",
                             "mptcp/limit/add-addr-accepted",
                             "congestion/443",
                             "congestion/10.0.0.0/8",
                             "congestion/443@system.slice/nginx.service",
                             "congestion/default"}) {
        CAPTURE(text);
        const auto tunable = parse_tunable(text);
        REQUIRE_MESSAGE(tunable, (tunable ? "" : tunable.error().what));
        CHECK(to_text(*tunable) == text);
    }
    CHECK(to_text(*parse_tunable("route/0.0.0.0/0/mtu")) == "route/default/mtu");
    CHECK(to_text(*parse_tunable("route/192.0.2.7/32/mtu")) == "route/192.0.2.7/mtu");
}

TEST_CASE("an address of a path that could mean something else is refused")
{
    for (const char* text : {"qdisc/eth0",
                             "qdisc/eth0/tx-",
                             "qdisc/eth0/tx-01",
                             "qdisc/eth0/tx-65535",
                             "qdisc/../root",
                             "qdisc/eth0/ingress",
                             "route/default",
                             "route/default/cwnd",
                             "route/10.0.0.1/8/mtu",
                             "route/default@/mtu",
                             "route/default@table:0/mtu",
                             "route/default@eth0@eth1/mtu",
                             "route//mtu",
                             "rule/ipv4/0",
                             "rule/ipv4/32766",
                             "rule/ipx/5",
                             "rule/ipv4",
                             "table/254/default",
                             "table/0/default",
                             "table/210",
                             "table/210/10.0.0.1/8",
                             "notrack/tcp/0",
                             "notrack/tcp/080",
                             "notrack/sctp/80",
                             "mptcp/endpoint/10.0.0.0/8",
                             "mptcp/limit/paths",
                             "congestion/0",
                             "congestion/70000",
                             "congestion/443@../etc",
                             "congestion/443@",
                             "congestion/443@a//b",
                             "congestion/name"}) {
        CAPTURE(text);
        const auto tunable = parse_tunable(text);
        REQUIRE_FALSE(tunable);
        CHECK(tunable.error().kind == Error::Kind::Rejected);
    }
}

TEST_CASE("values of paths are numbers, switches or words, as their kind has them")
{
    const auto value = [](const char* tunable, const char* text) { return parse_value(*parse_tunable(tunable), text); };
    CHECK(*value("qdisc/eth0/root", "  fq   maxrate 1Gbit ") == Value{std::string("fq maxrate 1Gbit")});
    CHECK(*value("route/default/initcwnd", "20") == Value{std::int64_t{20}});
    CHECK(*value("route/default/congctl", "bbr") == Value{std::string("bbr")});
    CHECK(*value("route/default/mtu", "") == Value{std::string{}});
    CHECK(*value("notrack/tcp/80", "1") == Value{std::string("on")});
    CHECK(*value("mptcp/limit/subflows", "2") == Value{std::int64_t{2}});
    for (const auto& [tunable, text] :
         std::vector<std::pair<const char*, const char*>>{{"route/default/initcwnd", "many"},
                                                          {"route/default/congctl", "a name of sixteen"},
                                                          {"notrack/tcp/80", "maybe"},
                                                          {"mptcp/limit/subflows", "-1"},
                                                          {"congestion/443", "much too long a name"}}) {
        CAPTURE(tunable);
        CHECK_FALSE(value(tunable, text));
    }
}
