// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_config.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

constexpr std::string_view whole = R"(
mode: ipip
source: [10.200.0.0/16, "2001:db8:f::/64"]
mtu: 9000
drain: 10m
hash_key: 00112233445566778899aabbccddeeff
pools:
  web: {backends: [{address: 10.0.0.1, weight: 2}, {address: 10.0.0.2}, {address: 2001:db8::2, weight: 0}]}
  dns: {backends: [{address: 10.0.0.3}]}
vips:
  - {address: 192.0.2.1, port: [80, 443], protocol: tcp, pool: web}
  - {address: "2001:db8:1::1", port: 53, protocol: [tcp, udp], pool: dns, affinity: source}
)";

std::string problem(std::string_view text)
{
    const auto config = parse_lb_config(text, "lb.yaml");
    return config ? "" : config.error().what;
}

} // namespace

TEST_CASE("a configuration is read whole")
{
    const auto config = parse_lb_config(whole, "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    CHECK(to_text(config->source4.value_or(Prefix{})) == "10.200.0.0/16");
    CHECK(to_text(config->source6.value_or(Prefix{})) == "2001:db8:f::/64");
    CHECK(config->mtu == 9000);
    CHECK(config->drain == std::chrono::minutes(10));
    CHECK(config->hash_key == std::array<std::uint64_t, 2>{0x0011223344556677, 0x8899aabbccddeeff});
    REQUIRE(config->pools.size() == 2);
    CHECK(config->pools[0].backends[0].weight == 2);
    CHECK(config->pools[0].backends[1].weight == 1);
    CHECK(config->pools[0].backends[2].weight == 0);
    REQUIRE(config->vips.size() == 4);
    CHECK(to_text(config->vips[0]) == "192.0.2.1:80/tcp");
    CHECK(to_text(config->vips[3]) == "[2001:db8:1::1]:53/udp");
    CHECK(config->vips[1].affinity == LbVip::Affinity::Flow);
    CHECK(config->vips[2].affinity == LbVip::Affinity::Source);
    CHECK(config->vips[2].pool == 1);
    CHECK(doubts(*config).empty());
}

TEST_CASE("each pool has a mode, its own or that of all, and layer 2 needs no source")
{
    const auto config = parse_lb_config(R"(
mode: layer2
gue_port: 9886
source: 10.9.0.1
pools:
  near: {backends: [{address: 10.0.0.1, mac: "02:00:00:00:0a:ff"}, {address: "2001:db8::1"}]}
  far: {mode: gue, backends: [{address: 10.0.0.2}]}
vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: near}]
)",
                                        "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    CHECK(config->gue_port == 9886);
    CHECK(config->pools[0].mode == LbMode::Layer2);
    CHECK(config->pools[0].backends[0].link == LinkAddress{2, 0, 0, 0, 10, 255});
    CHECK_FALSE(config->pools[0].backends[1].link);
    CHECK(config->pools[1].mode == LbMode::Gue);
}

TEST_CASE("NAT is read, with ports and times that are safe unless given")
{
    const auto read = [](const std::string& nat) {
        auto config = parse_lb_config("mode: nat\nnat: " + nat +
                                          "\npools: {web: {backends: [{address: 10.0.0.1, port: 8080}]}}\n"
                                          "vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]\n",
                                      "lb.yaml");
        REQUIRE_MESSAGE(config, config.error().what);
        CHECK(config->pools[0].mode == LbMode::Nat);
        CHECK(config->pools[0].backends[0].port == 8080);
        return config->nat.value_or(LbNat{});
    };
    const LbNat plain = read("{addresses: 10.9.0.1}");
    REQUIRE(plain.addresses.size() == 1);
    CHECK(to_text(plain.addresses[0]) == "10.9.0.1");
    CHECK(plain.first == 1024);
    CHECK(plain.last == 32767);
    const LbNat full = read("{addresses: [10.9.0.1, \"2001:db8::9\"], ports: 40000, tcp_idle: 1h, udp_idle: 30s}");
    CHECK(full.addresses.size() == 2);
    CHECK(full.first == 40000);
    CHECK(full.last == 40000);
    CHECK(full.tcp_idle == std::chrono::hours(1));
    CHECK(full.udp_idle == std::chrono::seconds(30));
}

TEST_CASE("what is wrong is named with its line and the way out")
{
    struct Case {
        std::string text, says;
    };
    const std::string head = "source: 10.9.0.1\n";
    const std::string pools = head + "pools: {web: {backends: [{address: 10.0.0.1}]}}\n";
    const auto pool = [&](const std::string& backends) {
        return head + "pools: {web: {backends: " + backends + "}}\n";
    };
    const auto vip = [&](const std::string& fields) { return pools + "vips:\n- {" + fields + "}\n"; };
    const std::array cases{
        Case{"{}", "pools"},
        Case{"", "load balancer"},
        Case{"sources: 1.2.3.4", "source"},
        Case{"source: 10.0.0.1/8", "10.0.0.0/8"},
        Case{"source: 127.0.0.1", "no address that a host can have"},
        Case{"source: [10.0.0.1, 10.0.0.2]", "one IPv4 and one IPv6"},
        Case{head + "mode: direct", "ipip"},
        Case{head + "gue_port: 0", "1 to 65535"},
        Case{head + "quic_config: 7", "0 to 6"},
        Case{pool("[{address: 10.0.0.1, quic_id: 65536}]"), "0 to 65535"},
        Case{pool("[{address: 10.0.0.1, quic_id: 1},\n {address: 10.0.0.2, quic_id: 1}]"),
             "quic_id 1 stands in this pool "
             "already, in line 2"},
        Case{vip("address: 192.0.2.1, port: 80, protocol: tcp, pool: web, affinity: quic"), "udp alone"},
        Case{pool("[{address: 10.0.0.1, mac: 02:00:00:00:00:01}]"), "layer2"},
        Case{"mode: layer2\n" + pool("[{address: 10.0.0.1, mac: 01:00:00:00:00:01}]"), "one station"},
        Case{"mode: layer2\n" + pool("[{address: 10.0.0.1, mac: 02:00:00:00:00}]"), "02:00:00:00:00:01"},
        Case{"mode: layer2\n" + pool("[{address: 10.0.0.1, mac: 02:00:00-00:00:01}]"), "02:00:00:00:00:01"},
        Case{head + "pools:\n  a: {mode: gue, backends: [{address: 10.0.0.1}]}\n"
                    "  b: {backends: [{address: 10.0.0.1}]}\n",
             "lb.yaml:4:18: backend 10.0.0.1 has another mode, mac or port in pool 'a'"},
        Case{pool("[{address: 10.0.0.1, port: 80}]"), "mode nat"},
        Case{"mode: nat\n" + pool("[{address: 10.0.0.1}]"), "lb.yaml:3:26: mode nat needs 'nat: {addresses"},
        Case{"nat: {ports: 1-2}\n", "addresses"},
        Case{"nat: {addresses: []}\n", "addresses is empty"},
        Case{"nat: {addresses: [10.9.0.1, 10.9.0.1]}\n", "stands twice"},
        Case{"nat: {addresses: [10.9.0.1/24]}\n", "write 192.0.2.1"},
        Case{"nat: {addresses: 10.9.0.1, ports: 5-2}\n", "'5-2' are no ports: write 1024-32767"},
        Case{"nat: {addresses: 10.9.0.1, ports: 1-65536}\n", "are no ports"},
        Case{"nat: {addresses: 10.9.0.1, tcp_idle: 1s}\n", "tcp_idle is 10s to 30 days"},
        Case{"nat: {addresses: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7, 10.0.0.8, "
             "10.0.0.9]}\n",
             "at most 8 addresses of a family"},
        Case{"mode: nat\nnat: {addresses: 10.9.0.1}\n" + pool("[{address: \"2001:db8::1\"}]"), "add one to 'addresses"},
        Case{"mode: nat\nnat: {addresses: 10.9.0.1}\n" + pool("[{address: 10.9.0.1}]"), "is one of the addresses"},
        Case{"mode: nat\nnat: {addresses: 10.9.0.1}\npools: {web: {backends: [{address: 10.0.0.1}]}}\nvips:\n"
             "- {address: \"2001:db8::1\", port: 80, protocol: tcp, pool: web}\n",
             "another family than VIP [2001:db8::1]:80/tcp"},
        Case{"nat: {addresses: 192.0.2.1}\n" + vip("address: 192.0.2.1, port: 80, protocol: tcp, pool: web"),
             "VIP 192.0.2.1:80/tcp is one of these addresses"},
        Case{head + "mtu: 20", "576 to 65535"},
        Case{head + "drain: 10", "unit"},
        Case{head + "drain: 48h", "at most 24h"},
        Case{head + "hash_key: 12", "openssl rand -hex 16"},
        Case{head, "pools"},
        Case{head + "pools: [web]", "name: {backends"},
        Case{pool("[]"), "- address: 10.0.0.1"},
        Case{pool("[{weight: 1}]"), "address"},
        Case{pool("[{address: 10.0.0.0/8}]"), "write 192.0.2.1"},
        Case{pool("[{address: 224.0.0.1}]"), "no address that a host can have"},
        Case{pool("[{address: 10.0.0.1, weight: 1001}]"), "0 to 1000"},
        Case{pool("[{address: 10.0.0.1},\n {address: 10.0.0.1}]"), "lb.yaml:3:2: backend 10.0.0.1 stands in this pool "
                                                                   "already, in line 2"},
        Case{pool("[{address: \"2001:db8::1\"}]"), "add one to 'source'"},
        Case{pools, "vips"},
        Case{pools + "vips: {a: b}", "vips are a list"},
        Case{"interfaces: [a/b]\n" + pools, "'a/b' is no interface's name"},
        Case{"interfaces: [eth0, eth1, eth0]\n" + pools, "eth0 stands twice"},
        Case{"interfaces: []\n" + pools, "interfaces is empty"},
        Case{"xdp: fast\n" + pools, "generic"},
        Case{vip("address: 192.0.2.1, port: 80, protocol: tcp, pool: wbe"), "lb.yaml:4:"},
        Case{vip("address: 192.0.2.1, port: 80, protocol: tcp, pool: wbe"), "web"},
        Case{vip("address: 192.0.2.1, port: 0, protocol: tcp, pool: web"), "1 to 65535"},
        Case{vip("address: 192.0.2.1, port: [], protocol: tcp, pool: web"), "port is empty"},
        Case{vip("address: 192.0.2.1, port: 80, protocol: sctp, pool: web"), "tcp"},
        Case{vip("address: 192.0.2.1, port: 80, pool: web"), "protocol"},
        Case{vip("address: 192.0.2.1, port: 80, protocol: tcp, pool: web, affinity: none"), "flow"},
        Case{vip("address: 192.0.2.1, port: [80, 80], protocol: tcp, pool: web"), "already in line 4"},
        Case{vip("address: 10.0.0.1, port: 80, protocol: tcp, pool: web"), "own address"},
    };
    for (const Case& one : cases) {
        CHECK_MESSAGE(problem(one.text).find(one.says) != std::string::npos, one.text, problem(one.text));
        CHECK(problem(one.text).starts_with("lb.yaml:"));
        CHECK(problem(one.text).find('\n') == std::string::npos);
    }
}

TEST_CASE("pools without a use or without weight, and backends that are too light, are named")
{
    std::string heavy;
    for (int i = 1; i <= 200; ++i)
        heavy += ", {address: 10.1.0." + std::to_string(i) + ", weight: 1000}";
    const auto config = parse_lb_config("source: 10.9.0.1\npools:\n  idle: {backends: [{address: 10.0.0.1}]}\n"
                                        "  empty: {backends: [{address: 10.0.0.1, weight: 0}]}\n"
                                        "  light: {backends: [{address: 10.0.0.1}" +
                                            heavy +
                                            "]}\nvips:\n"
                                            "- {address: 192.0.2.1, port: 1, protocol: udp, pool: empty}\n"
                                            "- {address: 192.0.2.1, port: 2, protocol: udp, pool: light}\n",
                                        "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    const auto found = doubts(*config);
    REQUIRE(found.size() == 3);
    CHECK(found[0] == "no VIP uses pool 'idle'");
    CHECK(found[1].find("'empty' drain") != std::string::npos);
    CHECK(found[2].find("backend 10.0.0.1 of pool 'light'") != std::string::npos);
}
