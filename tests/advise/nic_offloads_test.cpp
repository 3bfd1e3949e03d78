// SPDX-License-Identifier: GPL-2.0-or-later
#include "advise/rule.h"

#include <doctest/doctest.h>

#include "support/nic_builder.h"

using namespace netwright;
using namespace netwright::advise;
using namespace netwright::test;

namespace {

std::vector<Finding> offloads(const Snapshot& host, std::string_view id, const Intent& intent = {})
{
    return judged(nic_rules(), host, id, intent);
}

Feature& feature(Snapshot& host, std::string_view name)
{
    return *std::ranges::find(*nic(host).features, name, &Feature::name);
}

void switch_off(Snapshot& host, std::string_view name)
{
    feature(host, name).active = feature(host, name).wanted = false;
}

} // namespace

TEST_CASE("an offload that the driver can do and that is off is named with its command")
{
    Snapshot host = healthy_host();
    CHECK(offloads(host, "nic-offload-off").empty());
    switch_off(host, "rx-gro");
    switch_off(host, "tx-tcp-segmentation");
    const auto findings = offloads(host, "nic-offload-off");
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == Severity::Low);
    REQUIRE(findings[0].remedy.size() == 2);
    CHECK(to_text(findings[0].remedy[0].tunable) == "nic/eth0/offload/rx-gro");
    CHECK(to_text(findings[0].remedy[1].tunable) == "nic/eth0/offload/tx-tcp-segmentation");
    CHECK(findings[0].remedy[1].to == Value{std::string("on")});
    CHECK(findings[0].remedy[1].persistence == Persistence::LinkFile);
    receive(host, 2'000'000);
    heat(host, 0, 60);
    CHECK(offloads(host, "nic-offload-off")[0].severity == Severity::Medium);
}

TEST_CASE("what the driver cannot change, what another offload does, and what was chosen for latency is left alone")
{
    Snapshot host = healthy_host();
    switch_off(host, "tx-tcp-segmentation");
    feature(host, "tx-tcp-segmentation").fixed = true;
    feature(host, "tx-checksum-ipv4").fixed = false; // tx-checksum-ip-generic is on
    CHECK(offloads(host, "nic-offload-off").empty());

    switch_off(host, "rx-gro");
    Intent latency;
    latency.workload.value = Workload::LowLatency;
    CHECK(offloads(host, "nic-offload-off", latency).empty());
    CHECK(offloads(host, "nic-offload-off").size() == 1);
}

TEST_CASE("r8169 keeps segmentation off itself, for its hardware's sake")
{
    Snapshot host = healthy_host();
    nic(host).driver = "r8169";
    switch_off(host, "tx-tcp-segmentation");
    switch_off(host, "tx-scatter-gather");
    CHECK(offloads(host, "nic-offload-off").empty());
}

TEST_CASE("features that may not be read are a gap")
{
    Snapshot host = healthy_host();
    nic(host).features = fail(Error::Kind::Refused, "features of eth0: operation not permitted", 1);
    CHECK(gaps_of(nic_rules(), host, "nic-offload-off").size() == 1);
}

TEST_CASE("an offload that was asked for and is not active has something missing")
{
    Snapshot host = healthy_host();
    CHECK(offloads(host, "nic-offload-refused").empty());
    feature(host, "tx-tcp-segmentation").active = false;
    CHECK(offloads(host, "nic-offload-refused").size() == 1);
    CHECK(offloads(host, "nic-offload-off").empty()); // one finding, not two
}

TEST_CASE("LRO is harmless on a host that keeps its packets, and not on one that passes them on")
{
    Snapshot host = healthy_host();
    feature(host, "rx-lro").active = true;
    CHECK(offloads(host, "nic-lro-while-forwarding").empty());
    put(host, "net.ipv4.ip_forward", "1");
    CHECK(offloads(host, "nic-lro-while-forwarding").size() == 1);
    put(host, "net.ipv4.ip_forward", "0");
    nic(host).master = nic(host, "br0").index;
    CHECK(offloads(host, "nic-lro-while-forwarding").size() == 1);
    nic(host).master.reset();
    nic(host).xdp = {{"native", 7}};
    CHECK(offloads(host, "nic-lro-while-forwarding").size() == 1);
    feature(host, "rx-lro").active = false;
    CHECK(offloads(host, "nic-lro-while-forwarding").empty());
}

TEST_CASE("generic XDP is a fallback on hardware; native is not")
{
    Snapshot host = healthy_host();
    nic(host).xdp = {{"native", 7}};
    CHECK(offloads(host, "nic-xdp-generic").empty());
    nic(host).xdp = {{"generic", 7}};
    CHECK(offloads(host, "nic-xdp-generic").size() == 1);
}

TEST_CASE("a veth device with native XDP and no GRO is a note")
{
    Snapshot host = healthy_host();
    CHECK(offloads(host, "veth-xdp-without-gro").empty());
    nic(host, "veth0").xdp = {{"native", 7}};
    REQUIRE(offloads(host, "veth-xdp-without-gro").size() == 1);
    CHECK(offloads(host, "veth-xdp-without-gro")[0].severity == Severity::Info);
    nic(host, "veth0").features->front().active = true;
    CHECK(offloads(host, "veth-xdp-without-gro").empty());
}

TEST_CASE("UDP hashed by addresses only matters where UDP does")
{
    Snapshot host = healthy_host();
    Rss rss;
    rss.fields = std::vector<HashFields>{{"tcp4", "sdfn"}, {"udp4", "sd"}};
    nic(host).rss = rss;
    CHECK(offloads(host, "nic-udp-hash-without-ports").empty());
    Intent game;
    game.workload.value = Workload::Game;
    REQUIRE(offloads(host, "nic-udp-hash-without-ports", game).size() == 1);
    const Finding finding = offloads(host, "nic-udp-hash-without-ports", game)[0];
    REQUIRE(finding.remedy.size() == 1);
    CHECK(to_text(finding.remedy[0].tunable) == "nic/eth0/rss/fields-udp4");
    CHECK(finding.remedy[0].to == Value(std::string("sdfn")));
    put(host.protocols, "UdpInDatagrams", {.total = 9'000'000, .growth = 1'000'000});
    CHECK(offloads(host, "nic-udp-hash-without-ports").size() == 1);
    nic(host).rss->fields = std::vector<HashFields>{{"udp4", "sdfn"}, {"udp6", ""}};
    CHECK(offloads(host, "nic-udp-hash-without-ports").empty());
}
