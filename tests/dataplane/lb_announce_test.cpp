// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_announce.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace netwright;
using namespace netwright::dataplane;

TEST_CASE("an address is announced while one of its VIPs has a backend that is up, once, by its family's protocol")
{
    const auto config = parse_lb_config(R"(
source: 10.9.0.1
announce: {file: /etc/bird/netwright-lb.conf}
pools:
  web: {check: {type: tcp, port: 80}, backends: [{address: 10.0.0.1}, {address: 10.0.0.2}]}
  dns: {check: {type: tcp, port: 53}, backends: [{address: 10.0.0.3}]}
vips:
  - {address: 192.0.2.1, port: [80, 443], protocol: tcp, pool: web}
  - {address: 192.0.2.1, port: 53, protocol: udp, pool: dns}
  - {address: 192.0.2.2, port: 53, protocol: udp, pool: dns}
  - {address: "2001:db8::1", port: 80, protocol: tcp, pool: web}
)",
                                        "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    CHECK(config->announce.value_or(LbAnnounce{}).control == "/run/bird/bird.ctl");
    const auto announced = [&](const LbHealths& healths) {
        std::string text;
        for (const Prefix& address : healthy_addresses(*config, healths))
            text += to_text(address) + " ";
        return text;
    };
    LbHealths healths;
    CHECK(announced(healths) == "192.0.2.1 192.0.2.2 2001:db8::1 ");
    healths[{"dns", *parse_prefix("10.0.0.3")}].up = false;
    CHECK(announced(healths) == "192.0.2.1 2001:db8::1 ");
    healths[{"web", *parse_prefix("10.0.0.1")}].up = false;
    CHECK(announced(healths) == "192.0.2.1 2001:db8::1 ");
    const std::string text = bird_config(healthy_addresses(*config, healths));
    CHECK(text.find("protocol static netwright_lb4 {\n  ipv4;\n  route 192.0.2.1/32 blackhole;\n}\n") !=
          std::string::npos);
    CHECK(text.find("protocol static netwright_lb6 {\n  ipv6;\n  route 2001:db8::1/128 blackhole;\n}\n") !=
          std::string::npos);
    healths[{"web", *parse_prefix("10.0.0.2")}].up = false;
    CHECK(announced(healths).empty());
}

TEST_CASE("without BIRD the file is written all the same, and the failure is told")
{
    const std::string file = "/tmp/netwright-announce-" + std::to_string(::getpid());
    const auto done = announce({file, "/nowhere/bird.ctl", 0}, "text");
    REQUIRE_FALSE(done);
    CHECK(done.error().what.find("reach BIRD at /nowhere/bird.ctl") != std::string::npos);
    CHECK(::unlink(file.c_str()) == 0);
}

TEST_CASE("FRR is told what to announce and what no longer, by family")
{
    const auto config =
        parse_lb_config("{source: 10.9.0.1, announce: {frr: 65001}, pools: {p: {backends: [{address: 10.0.0.1}]}}, "
                        "vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: p}]}",
                        "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    const LbAnnounce where = config->announce.value_or(LbAnnounce{});
    CHECK(where.frr == 65001);
    CHECK(where.control == "/run/frr/bgpd.vty");
    const std::vector<Prefix> healthy{*parse_prefix("192.0.2.1"), *parse_prefix("2001:db8::1")};
    CHECK(frr_commands(65001, healthy, {*parse_prefix("192.0.2.2")}) ==
          std::vector<std::string>{"enable", "configure terminal", "router bgp 65001", "address-family ipv4 unicast",
                                   "no network 192.0.2.2/32", "network 192.0.2.1/32", "exit-address-family",
                                   "address-family ipv6 unicast", "network 2001:db8::1/128", "exit-address-family",
                                   "end"});
    const auto done = announce_by_frr({"", "/nowhere/bgpd.vty", 65001}, healthy, {});
    REQUIRE_FALSE(done);
    CHECK(done.error().what.find("reach FRR's bgpd at /nowhere/bgpd.vty") != std::string::npos);
}
