// SPDX-License-Identifier: GPL-2.0-or-later
// Flow rules as words and as the kernel's structure.
#include "kernel/flow_rule.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <cstring>

using namespace netwright;
using namespace netwright::kernel;

TEST_CASE("words become the structure that ethtool would send")
{
    const auto rule = parse_flow_rule("flow-type tcp4 src-ip 10.1.0.0/16 dst-port 443 action 2");
    REQUIRE(rule);
    CHECK(rule->flow_type == TCP_V4_FLOW);
    CHECK(rule->h_u.tcp_ip4_spec.ip4src == htonl(0x0a010000));
    CHECK(rule->m_u.tcp_ip4_spec.ip4src == htonl(0xffff0000));
    CHECK(rule->h_u.tcp_ip4_spec.pdst == htons(443));
    CHECK(rule->m_u.tcp_ip4_spec.pdst == 0xffff);
    CHECK(rule->m_u.tcp_ip4_spec.psrc == 0);
    CHECK(rule->ring_cookie == 2);

    const auto v6 = parse_flow_rule("flow-type ip6 dst-ip fd00::1 l4proto 50 action drop");
    REQUIRE(v6);
    CHECK(v6->h_u.usr_ip6_spec.l4_proto == 50);
    CHECK(v6->m_u.usr_ip6_spec.l4_proto == 0xff);
    CHECK(v6->h_u.usr_ip6_spec.ip6dst[3] == htonl(1));
    CHECK(v6->ring_cookie == RX_CLS_FLOW_DISC);
    CHECK(parse_flow_rule("flow-type ip4 src-ip 10.0.0.1 action 0")->h_u.usr_ip4_spec.ip_ver == ETH_RX_NFC_IP4);
}

TEST_CASE("words read back as themselves")
{
    for (const char* text :
         {"flow-type tcp4 src-ip 10.1.0.0/16 dst-port 443 action 2", "flow-type udp4 dst-port 53 action drop",
          "flow-type tcp6 src-ip fd00::/8 dst-ip fd00::1 src-port 1 dst-port 65535 action 31",
          "flow-type ip6 l4proto 50 action 0", "flow-type sctp4 src-ip 192.0.2.1 action 0"}) {
        CAPTURE(text);
        const auto rule = parse_flow_rule(text);
        REQUIRE(rule);
        CHECK(flow_rule_text(*rule) == text);
    }
}

TEST_CASE("a rule that words cannot tell survives as raw bytes")
{
    ethtool_rx_flow_spec rule = *parse_flow_rule("flow-type tcp4 dst-port 80 action 1");
    ethtool_rx_flow_spec with_tos = rule, with_vlan = rule, odd_mask = rule, of_vf = rule;
    with_tos.h_u.tcp_ip4_spec.tos = 8;
    with_tos.m_u.tcp_ip4_spec.tos = 0xff;
    with_vlan.flow_type |= FLOW_EXT;
    odd_mask.m_u.tcp_ip4_spec.pdst = htons(0x00f0);
    of_vf.ring_cookie = (1ULL << ETHTOOL_RX_FLOW_SPEC_RING_VF_OFF) | 1;
    for (const ethtool_rx_flow_spec& each : {with_tos, with_vlan, odd_mask, of_vf}) {
        const std::string text = flow_rule_text(each);
        CHECK(text.starts_with("raw "));
        const auto again = parse_flow_rule(text);
        REQUIRE(again);
        CHECK(std::memcmp(&*again, &each, sizeof each) == 0);
    }
}

TEST_CASE("words that make no rule are refused, and the refusal names them")
{
    struct Row {
        const char* text;
        const char* names;
    };
    for (const auto& [text, names] :
         {Row{"", "flow-type"}, Row{"flow-type", "flow-type"}, Row{"flow-type arp action 1", "arp"},
          Row{"flow-type tcp4 dst-port 80", "action"}, Row{"flow-type tcp4 dst-port 65536 action 1", "65536"},
          Row{"flow-type tcp4 src-ip fd00::1 action 1", "IPv4"}, Row{"flow-type tcp6 src-ip 10.0.0.1 action 1", "IPv6"},
          Row{"flow-type tcp4 src-ip 10.0.0.0/33 action 1", "/33"},
          Row{"flow-type ip4 dst-port 80 action 1", "dst-port"}, Row{"flow-type tcp4 l4proto 6 action 1", "l4proto"},
          Row{"flow-type tcp4 dst-port 80 action 70000", "70000"},
          Row{"flow-type tcp4 dst-port 80 action 1 x", "flow-type"}, Row{"raw 00", "hex"},
          Row{"flow-type tcp4 src-ip 10.0.0.0/0 action 1", "/0"}}) {
        CAPTURE(text);
        const auto rule = parse_flow_rule(text);
        REQUIRE_FALSE(rule);
        CHECK(rule.error().kind == Error::Kind::Rejected);
        CHECK_MESSAGE(rule.error().what.find(names) != std::string::npos, rule.error().what);
    }
    CHECK_FALSE(parse_flow_rule("raw " + std::string(sizeof(ethtool_rx_flow_spec) * 2, 'g')));
}
