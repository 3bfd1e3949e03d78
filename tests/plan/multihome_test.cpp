// SPDX-License-Identifier: GPL-2.0-or-later
// Tables and rules for hosts with several ways out.
#include "plan/multihome.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using namespace netwright::plan;

namespace {

struct PathHost {
    Snapshot host;
    PathHost()
    {
        host.addresses = std::vector<InterfaceAddress>{};
        host.routes = std::vector<Route>{};
        host.rules = std::vector<RoutingRule>{};
    }
    PathHost& address(const char* nic, const char* text, unsigned length)
    {
        InterfaceAddress one;
        one.nic = nic;
        one.address = text;
        one.family = one.address.find(':') == std::string::npos ? "ipv4" : "ipv6";
        one.length = length;
        one.scope = "global";
        host.addresses->push_back(one);
        return *this;
    }
    PathHost& route(const char* destination, const char* gateway, const char* nic, const char* family = "ipv4",
                    std::uint32_t table = 254)
    {
        Route one;
        one.destination = destination;
        one.gateway = gateway;
        one.nic = nic;
        one.family = family;
        one.type = "unicast";
        one.table = table;
        host.routes->push_back(one);
        return *this;
    }
    PathHost& rule(const char* source, std::uint32_t priority, std::uint32_t table)
    {
        RoutingRule one;
        one.family = "ipv4";
        one.source = source;
        one.action = "lookup";
        one.priority = priority;
        one.table = table;
        host.rules->push_back(one);
        return *this;
    }
};

PathHost two_providers()
{
    PathHost host;
    host.address("eth0", "192.0.2.10", 24).address("eth1", "198.51.100.10", 24);
    host.route("default", "192.0.2.1", "eth0").route("default", "198.51.100.1", "eth1");
    host.route("172.17.0.0/16", "", "docker0").route("10.0.0.0/8", "172.17.0.9", "docker0");
    return host;
}

Multihome planned(const PathHost& host, const MultihomeOptions& options = {})
{
    auto plan = plan_multihome(host.host, options);
    REQUIRE(plan);
    return std::move(*plan);
}

std::vector<std::string> lines(const Multihome& plan)
{
    std::vector<std::string> out;
    for (const Change& change : plan.changes) {
        CHECK_FALSE(change.from);
        CHECK_FALSE(change.why.empty());
        out.push_back(to_text(change.tunable) + " = " + to_text(*change.to));
    }
    return out;
}

} // namespace

TEST_CASE("each interface gets its table, each address its rule, tables first")
{
    CHECK(lines(planned(two_providers())) == std::vector<std::string>{
                                                 "table/210/192.0.2.0/24 = dev eth0 src 192.0.2.10",
                                                 "table/210/172.17.0.0/16 = dev docker0",
                                                 "table/210/10.0.0.0/8 = via 172.17.0.9 dev docker0",
                                                 "table/210/default = via 192.0.2.1 dev eth0",
                                                 "table/211/198.51.100.0/24 = dev eth1 src 198.51.100.10",
                                                 "table/211/172.17.0.0/16 = dev docker0",
                                                 "table/211/10.0.0.0/8 = via 172.17.0.9 dev docker0",
                                                 "table/211/default = via 198.51.100.1 dev eth1",
                                                 "rule/ipv4/10010 = from 192.0.2.10 lookup 210",
                                                 "rule/ipv4/10011 = from 198.51.100.10 lookup 211",
                                             });
}

TEST_CASE("one way out needs nothing, and says so")
{
    PathHost host;
    host.address("eth0", "192.0.2.10", 24).address("eth1", "198.51.100.10", 24).route("default", "192.0.2.1", "eth0");
    const Multihome plan = planned(host);
    CHECK(plan.changes.empty());
    CHECK(plan.homes.empty());
    CHECK(plan.notes.size() == 2);
    MultihomeOptions options;
    options.gateways.emplace("eth1", "198.51.100.1");
    CHECK(planned(host, options).changes.size() == 6);
}

TEST_CASE("a second run finds its rules and changes nothing")
{
    PathHost host = two_providers();
    host.rule("192.0.2.10", 10010, 210).rule("198.51.100.10", 10011, 211);
    const Multihome plan = planned(host);
    CHECK(plan.changes.empty());
    CHECK(plan.homes.size() == 2);
}

TEST_CASE("tables and priorities that are taken are left to their owners")
{
    PathHost host = two_providers();
    host.route("default", "192.0.2.9", "eth0", "ipv4", 210).rule("10.9.9.9", 10010, 211);
    const auto all = lines(planned(host));
    CHECK(std::ranges::find(all, "rule/ipv4/10011 = from 192.0.2.10 lookup 212") != all.end());
    CHECK(std::ranges::find(all, "rule/ipv4/10012 = from 198.51.100.10 lookup 213") != all.end());
}

TEST_CASE("IPv6 has tables of its own, and a link-local gateway is on link")
{
    PathHost host;
    host.address("eth0", "2001:db8:1::10", 64).address("eth1", "2001:db8:2::10", 64);
    host.route("default", "fe80::1", "eth0", "ipv6").route("default", "2001:db8:9::1", "eth1", "ipv6");
    const auto all = lines(planned(host));
    CHECK(std::ranges::find(all, "table/210/::/0 = via fe80::1 dev eth0") != all.end());
    CHECK(std::ranges::find(all, "table/211/::/0 = via 2001:db8:9::1 dev eth1 onlink") != all.end());
    CHECK(std::ranges::find(all, "rule/ipv6/10010 = from 2001:db8:1::10 lookup 210") != all.end());
}

TEST_CASE("temporary addresses and those of lo get no rule")
{
    PathHost host = two_providers();
    host.address("eth0", "192.0.2.99", 24);
    host.host.addresses->back().temporary = true;
    host.address("lo", "127.0.0.1", 8);
    host.host.addresses->back().scope = "host";
    CHECK(planned(host).homes.size() == 2);
}

TEST_CASE("without having seen the routes there is no plan")
{
    PathHost host = two_providers();
    host.host.routes = fail(Error::Kind::Refused, "no rights");
    const auto plan = plan_multihome(host.host, {});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().kind == Error::Kind::Refused);
}
