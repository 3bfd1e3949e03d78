// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about routes, several ways out, Fast Open and untracked services.
#include "advise/path_rules.h"

#include <doctest/doctest.h>

#include "support/host_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

struct PathBuilder : HostBuilder {
    PathBuilder()
    {
        snapshot.addresses = std::vector<InterfaceAddress>{};
        address("eth0", "192.0.2.10");
        route().gateway = "192.0.2.1";
        route().table = 254;
    }
    Route& route(std::size_t place = 0) { return snapshot.routes->at(place); }
    PathBuilder& address(const char* nic, const char* text)
    {
        InterfaceAddress one;
        one.nic = nic;
        one.family = "ipv4";
        one.address = text;
        one.length = 24;
        one.scope = "global";
        snapshot.addresses->push_back(one);
        return *this;
    }
    PathBuilder& second_provider()
    {
        Route other = route();
        other.nic = "eth1";
        other.gateway = "198.51.100.1";
        other.priority = 200;
        snapshot.routes->push_back(other);
        return address("eth1", "198.51.100.10");
    }
    PathBuilder& rule(const char* source, std::uint32_t table)
    {
        RoutingRule one;
        one.family = "ipv4";
        one.source = source;
        one.destination = "all";
        one.action = "lookup";
        one.table = table;
        one.priority = 10010;
        snapshot.rules->push_back(one);
        return *this;
    }
};

Judgement routes(std::string_view id, const HostBuilder& host) { return ask(route_rules(), id, host.build()); }
Judgement fast_open(std::string_view id, const HostBuilder& host) { return ask(fast_open_rules(), id, host.build()); }

std::string remedy_text(const Finding& finding)
{
    REQUIRE(finding.remedy.size() == 1);
    const Change& change = finding.remedy[0];
    return to_text(change.tunable) + " = " + to_text(*change.to);
}

} // namespace

TEST_CASE("a burst at the start of every connection is lowered, a moderate window is not")
{
    PathBuilder host;
    host.route().metrics.initcwnd = 250;
    const Finding finding = only(routes("route-initcwnd-large", host));
    CHECK(remedy_text(finding) == "route/default@eth0/initcwnd = 32");
    CHECK(finding.remedy[0].from == std::optional(Value{std::int64_t{250}}));
    host.route().metrics.initcwnd = 40;
    CHECK(content(routes("route-initcwnd-large", host)));
    host.snapshot.routes = fail(Error::Kind::Refused, "no rights");
    CHECK(not_judged(routes("route-initcwnd-large", host), Error::Kind::Refused));
}

TEST_CASE("a route's MTU is compared with its interface's and with common sense")
{
    PathBuilder host;
    host.route().metrics.mtu = 9000;
    CHECK(only(routes("route-mtu-above-link", host)).title.find("eth0") != std::string::npos);
    CHECK(content(routes("route-mtu-tiny", host)));
    host.route().metrics.mtu = 1400;
    CHECK(content(routes("route-mtu-above-link", host)));
    host.route().metrics.mtu = 576;
    CHECK(only(routes("route-mtu-tiny", host)).advice.size() == 2);
}

TEST_CASE("jumbo frames towards the internet get a route's MTU, and more urgently where connections search")
{
    PathBuilder host;
    host.nic().mtu = 9000;
    const Finding finding = only(routes("jumbo-default-route", host));
    CHECK(finding.confidence == Confidence::Convention);
    CHECK(remedy_text(finding) == "route/default@eth0/mtu = 1500");
    host.counter("TcpExtTCPMTUPSuccess", 9, 3);
    CHECK(only(routes("jumbo-default-route", host)).confidence == Confidence::Measured);
    host.route().metrics.mtu = 1500;
    CHECK(content(routes("jumbo-default-route", host)));
    host.route().metrics.mtu.reset();
    host.nic().mtu = 1500;
    CHECK(content(routes("jumbo-default-route", host)));
}

TEST_CASE("two providers without a rule that looks at the source are told of, with one they are left alone")
{
    CHECK(content(routes("multihomed-without-rules", PathBuilder())));
    PathBuilder host;
    host.second_provider();
    CHECK(only(routes("multihomed-without-rules", host)).subject == "ipv4");
    host.rule("192.0.2.10", 210);
    CHECK(content(routes("multihomed-without-rules", host)));
    host.snapshot.addresses = unseen();
    CHECK(routes("multihomed-without-rules", host).not_judged.size() == 1);
}

TEST_CASE("a rule that leads to an empty table does nothing")
{
    PathBuilder host;
    host.rule("192.0.2.10", 210);
    CHECK(only(routes("rule-to-empty-table", host)).title.find("210") != std::string::npos);
    Route filled = host.route();
    filled.table = 210;
    host.snapshot.routes->push_back(filled);
    CHECK(content(routes("rule-to-empty-table", host)));
    CHECK(content(routes("rule-to-empty-table", PathBuilder().rule("all", 254))));
}

TEST_CASE("two interfaces on one network should answer each for itself")
{
    PathBuilder host;
    host.sysctl("net.ipv4.conf.all.arp_ignore", "0").sysctl("net.ipv4.conf.all.arp_announce", "0");
    CHECK(content(routes("arp-flux", host)));
    host.address("eth1", "192.0.2.11");
    const Finding finding = only(routes("arp-flux", host));
    CHECK(proposed(finding, "net.ipv4.conf.all.arp_ignore") == "1");
    CHECK(proposed(finding, "net.ipv4.conf.all.arp_announce") == "2");
    host.sysctl("net.ipv4.conf.all.arp_ignore", "1").sysctl("net.ipv4.conf.all.arp_announce", "2");
    CHECK(content(routes("arp-flux", host)));
}

TEST_CASE("a Fast Open black hole weighs more while it happens")
{
    HostBuilder host;
    host.counter("TcpExtTCPFastOpenBlackhole", 0);
    CHECK(content(fast_open("fastopen-black-hole", host)));
    host.counter("TcpExtTCPFastOpenBlackhole", 3);
    CHECK(only(fast_open("fastopen-black-hole", host)).severity == Severity::Low);
    host.counter("TcpExtTCPFastOpenBlackhole", 3, 1);
    CHECK(only(fast_open("fastopen-black-hole", host)).severity == Severity::Medium);
    host.without("TcpExtTCPFastOpenBlackhole");
    CHECK(not_judged(fast_open("fastopen-black-hole", host), Error::Kind::Absent));
}

TEST_CASE("data in SYNs that is refused often points at keys")
{
    HostBuilder host;
    host.counter("TcpExtTCPFastOpenActive", 100, 100).counter("TcpExtTCPFastOpenActiveFail", 10, 10);
    CHECK(content(fast_open("fastopen-not-accepted", host)));
    host.counter("TcpExtTCPFastOpenActiveFail", 60, 60);
    CHECK(only(fast_open("fastopen-not-accepted", host)).confidence == Confidence::Measured);
}

TEST_CASE("cookies are asked for again, and the other bits stay")
{
    const Finding finding =
        only(fast_open("fastopen-without-cookie", HostBuilder().sysctl("net.ipv4.tcp_fastopen", "1539")));
    CHECK(proposed(finding, "net.ipv4.tcp_fastopen") == "1027"); // 0x603 → 0x403
    CHECK_FALSE(finding.security.empty());
    CHECK(content(fast_open("fastopen-without-cookie", HostBuilder().sysctl("net.ipv4.tcp_fastopen", "3"))));
    CHECK(content(fast_open("fastopen-without-cookie", HostBuilder().sysctl("net.ipv4.tcp_fastopen", "513"))));
}

TEST_CASE("tracking what nobody translates is told of where it is much")
{
    HostBuilder host;
    const auto judged = [&] { return ask(untracked_rules(), "conntrack-for-own-services", host.build()); };
    host.snapshot.conntrack = fail(Error::Kind::Absent, "not loaded");
    CHECK(content(judged()));
    host.snapshot.conntrack = Conntrack{};
    host.snapshot.conntrack->count = 30'000;
    host.sockets.tcp_states = {{"established", 20'000}, {"time-wait", 5'000}, {"listen", 9'000}};
    CHECK(content(judged())); // ssh alone
    host.listener(443, 0, 4096);
    const Finding finding = only(judged());
    CHECK(finding.advice[0] == "netwright set notrack/tcp/443 on");
    CHECK_FALSE(finding.security.empty());
    host.sysctl("net.ipv4.ip_forward", "1");
    CHECK(content(judged()));
    host.sysctl("net.ipv4.ip_forward", "0");
    host.sockets.tcp_states = {{"established", 200}};
    CHECK(content(judged()));
}
