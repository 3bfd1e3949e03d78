// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/steer_control.h"
#include "dataplane/steer_policy.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

constexpr std::string_view whole = R"(
interfaces: [eth0, eth1]
hook: clsact
classes:
  - name: produce
    protocol: tcp
    family: 4
    from: [10.0.0.0/8, 192.0.2.1]
    to: 198.51.100.0/24
    from_port: 1024-
    to_port: [9092, 9094-9096]
    dscp: [default, af21, 63]
    cgroup: /system.slice/kafka.service/
    payload: {at: 4, hex: "0000"}
    set: {priority: "1:a", mark: 0x10/0xff, queue: 3, dscp: cs5}
    limit: {rate: 200Mbit, burst: 256K}
  - {name: scrub, direction: ingress, from: "2001:db8::/32", redirect: {to: veth0, as: peer}, limit: 1Mbit}
  - {name: rest, redirect: eth2}
)";

std::string problem(std::string_view text)
{
    const auto policy = parse_steer_policy(text, "steer.yaml");
    return policy ? "" : policy.error().what;
}

SteerPolicy policy_of(const std::string& classes)
{
    const auto policy = parse_steer_policy("interfaces: [eth0]\nclasses:\n" + classes, "steer.yaml");
    REQUIRE_MESSAGE(policy, policy.error().what);
    return *policy;
}

} // namespace

TEST_CASE("a steering policy is read whole")
{
    const auto policy = parse_steer_policy(whole, "steer.yaml");
    REQUIRE_MESSAGE(policy, policy.error().what);
    CHECK(policy->interfaces == std::vector<std::string>{"eth0", "eth1"});
    CHECK(policy->hook == SteerPolicy::Hook::Clsact);
    CHECK(policy->uses(TcSide::Ingress));
    REQUIRE(policy->classes.size() == 3);
    const SteerClass& produce = policy->classes[0];
    CHECK(produce.side == TcSide::Egress);
    CHECK(produce.family == 4U);
    CHECK(produce.protocols == std::vector<std::uint8_t>{6});
    REQUIRE(produce.from.size() == 2);
    CHECK(to_text(produce.from[0]) == "10.0.0.0/8");
    CHECK(produce.source_ports == std::vector<Range>{{1024, 65535}});
    CHECK(produce.destination_ports == std::vector<Range>{{9092, 9092}, {9094, 9096}});
    CHECK(produce.dscps.count() == 3);
    CHECK(produce.dscps.test(18));
    CHECK(produce.cgroup == "system.slice/kafka.service");
    CHECK((produce.payload == SteerPayload{4, std::string(2, '\0')}));
    CHECK(produce.priority == 0x1000aU);
    CHECK((produce.mark == SteerMark{0x10, 0xff}));
    CHECK(produce.queue == std::uint16_t{3});
    CHECK(produce.dscp == std::uint8_t{40});
    CHECK((produce.limit == SteerLimit{BitRate{200'000'000}, Bytes{262144}}));
    CHECK((policy->classes[1].redirect == SteerRedirect{STEER_PEER, "veth0"}));
    CHECK(policy->classes[1].limit->burst == Bytes{65536});
    CHECK((policy->classes[2].redirect == SteerRedirect{STEER_FRAME, "eth2"}));
    CHECK(doubts(*policy).empty());
}

TEST_CASE("what is wrong with a steering policy is named with its line and the way out")
{
    struct Case {
        std::string text, says;
    };
    const std::string head = "interfaces: [eth0]\nclasses:\n  - ";
    for (const Case& one : {
             Case{"", "steer.yaml:1:1"},
             Case{"interfaces: [eth0]\n", "'classes'"},
             Case{"interfaces: []\nclasses: [{name: a}]", "at least one interface"},
             Case{"interfaces: [eth0, eth0]\nclasses: [{name: a}]", "'eth0' stands twice"},
             Case{"interfaces: [a/b]\nclasses: [{name: a}]", "'a/b' is no interface name"},
             Case{"interfaces: [eth0]\nhook: xdp\nclasses: [{name: a}]", "unknown hook 'xdp'"},
             Case{"interfaces: [eth0]\nclasses: {}", "classes are a list"},
             Case{"interfaces: [eth0]\nclasses: [{name: a}, {name: a}]", "'a' is the name of the class in line 2"},
             Case{head + "{name: a, protocl: tcp}", "did you mean protocol"},
             Case{head + "{name: 'a b'}", "no blanks"},
             Case{head + "{name: a, to_port: 70000}", "steer.yaml:3:24: '70000' is no range within 0 to 65535"},
             Case{head + "{name: a, from: 10.0.0.1/8}", "10.0.0.0/8"},
             Case{head + "{name: a, from: []}", "from is empty"},
             Case{head + "{name: a, dscp: 64}", "unknown DSCP '64'"},
             Case{head + "{name: a, family: 5}", "family is 4 or 6"},
             Case{head + "{name: a, family: 6, from: 10.0.0.0/8}", "no prefix of this class is of its family"},
             Case{head + "{name: a, protocol: icmp, to_port: 1}", "ports are looked at in TCP and UDP only"},
             Case{head + "{name: a, payload: {text: x}}", "payload needs protocol"},
             Case{head + "{name: a, protocol: tcp, payload: {at: 4}}", "as text or as hex"},
             Case{head + "{name: a, protocol: tcp, payload: {hex: '123'}}", "'123' is no row of bytes"},
             Case{head + "{name: a, protocol: tcp, payload: {text: 12345678901234567}}", "1 to 16 bytes"},
             Case{head + "{name: a, protocol: tcp, payload: {text: x, at: 1401}}", "'at' is at most 1400"},
             Case{head + "{name: a, cgroup: a/../b}", "'a/../b' is no path of a cgroup"},
             Case{head + "{name: a, direction: ingress, cgroup: a}", "cgroup belongs to direction: egress"},
             Case{head + "{name: a, direction: ingress, set: {queue: 1}}", "queue belongs to direction: egress"},
             Case{head + "{name: a, direction: in}", "unknown direction 'in'"},
             Case{head + "{name: a, set: {mark: 0x100/0xff}}", "sets bits that its mask leaves alone"},
             Case{head + "{name: a, set: {priority: '1:xyz'}}", "'1:xyz' is no class of tc's"},
             Case{head + "{name: a, set: {queue: 5000}}", "a queue is 0 to 4095"},
             Case{head + "{name: a, redirect: eth0}", "go round for ever"},
             Case{head + "{name: a, direction: ingress, redirect: {to: eth0, as: ingress}}", "go round for ever"},
             Case{head + "{name: a, redirect: {to: veth0, as: peer}}", "as: peer belongs to direction: ingress"},
             Case{head + "{name: a, redirect: {to: veth0, as: pear}}", "peer"},
             Case{head + "{name: a, limit: 10}", "unit"},
             Case{head + "{name: a, limit: 10bit}", "a rate is 1kbit to 1000Gbit"},
             Case{head + "{name: a, limit: {rate: 8kbit, burst: 1M}}", "a burst is at most"},
         }) {
        CAPTURE(one.text);
        const std::string says = problem(one.text);
        CHECK_MESSAGE(says.find(one.says) != std::string::npos, says);
        CHECK(says.starts_with("steer.yaml:"));
        CHECK(says.find('\n') == std::string::npos);
    }
    std::string many = "interfaces: [eth0]\nclasses:\n";
    for (int i = 0; i < 65; ++i)
        many += fmt::format("  - {{name: c{}}}\n", i);
    CHECK(problem(many).find("65 classes; at most 64") != std::string::npos);
}

TEST_CASE("a redirect that leaves the class's own side is no circle")
{
    CHECK(problem("interfaces: [eth0]\nclasses: [{name: a, direction: ingress, redirect: eth0}]") == "");
    CHECK(problem("interfaces: [eth0]\nclasses: [{name: a, redirect: {to: eth0, as: ingress}}]") == "");
}

TEST_CASE("a class that can get no packet is named with the one that takes them all")
{
    const auto first_doubt = [](const std::string& classes) {
        const auto found = doubts(policy_of(classes));
        return found.empty() ? std::string() : found.front();
    };
    CHECK(first_doubt("  - {name: all}\n  - {name: web, to_port: 80}\n") ==
          "class 'web' (line 4) stays empty: all its packets belong to 'all' (line 3)");
    CHECK(first_doubt("  - {name: a, from: 10.0.0.0/8, to_port: 1-100}\n  - {name: b, from: 10.2.0.0/16, to_port: 5}\n")
              .starts_with("class 'b'"));
    CHECK(first_doubt("  - {name: a, cgroup: x.slice}\n  - {name: b, cgroup: x.slice/y}\n").starts_with("class 'b'"));
    for (const char* apart :
         {"  - {name: a, from: 10.2.0.0/16}\n  - {name: b, from: 10.0.0.0/8}\n",
          "  - {name: a, to_port: 80}\n  - {name: b}\n", "  - {name: a, dscp: [1, 2]}\n  - {name: b, dscp: [2, 3]}\n",
          "  - {name: a, direction: ingress}\n  - {name: b}\n",
          "  - {name: a, cgroup: x.slice}\n  - {name: b, cgroup: x.slice2}\n",
          "  - {name: a, protocol: tcp, payload: {text: x}}\n  - {name: b, protocol: tcp}\n"})
        CHECK(first_doubt(apart) == "");
}

TEST_CASE("a class keeps its counter under its name, and a new one gets a free number")
{
    const auto first = steer_counters(policy_of("  - {name: a}\n  - {name: b, to_port: 1}\n"), {});
    REQUIRE(first);
    CHECK((*first == SteerCounters{{"a", STEER_NAMED}, {"b", STEER_NAMED + 1}}));
    const auto second = steer_counters(policy_of("  - {name: c}\n  - {name: b}\n"), *first);
    REQUIRE(second);
    CHECK((*second == SteerCounters{{"b", STEER_NAMED + 1}, {"c", STEER_NAMED}}));
}

TEST_CASE("a prefix's row holds what every prefix around it allows")
{
    const auto policy = policy_of("  - {name: host, from: 10.1.2.3}\n  - {name: net, from: [10.1.0.0/16, 10.0.0.0/8]}\n"
                                  "  - {name: any}\n");
    const auto counters = steer_counters(policy, {});
    REQUIRE(counters);
    const auto image = make_steer_image(policy, *counters, {});
    REQUIRE(image);
    CHECK(image->any_source == 4);
    CHECK(image->sources.at(*parse_prefix("10.1.2.3")) == 7);
    CHECK(image->sources.at(*parse_prefix("10.1.0.0/16")) == 6);
    CHECK(image->sources.at(*parse_prefix("10.0.0.0/8")) == 6);
    CHECK(image->any_destination == 7);
    CHECK_FALSE(image->uses_ports);
}

TEST_CASE("what is known of installed steering reads back the same, and strange lines are refused")
{
    InstalledSteer installed{"my policy.yaml", true, {"eth0", "eth1"}, true, false, {"eth1"}, {"eth0"}, {}, {}, true};
    installed.cgroups = {{"system.slice/a b.service", 4711}};
    installed.counters = {{"a", 2}, {"b", 17}};
    CHECK((parse_installed_steer(to_text(installed)) == Result<InstalledSteer>(installed)));
    CHECK((parse_installed_steer(to_text(InstalledSteer{})) == Result<InstalledSteer>(InstalledSteer{})));
    CHECK_FALSE(parse_installed_steer("policy x\nfrobnicate 3\n"));
    CHECK_FALSE(parse_installed_steer("counter many a\n"));
}
