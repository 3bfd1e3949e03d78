// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/filter_image.h"
#include "dataplane/filter_live.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

Result<FilterPolicy> parse(std::string_view text)
{
    return parse_filter_policy(text, "p.yaml", [](const std::string& path) -> Result<std::string> {
        if (path == "bad.txt") return "# feed\n192.0.2.0/24 ; spam\n\n2001:db8::/32\n";
        if (path == "broken.txt") return "192.0.2.0/24\nnonsense\n";
        return fail(Error::Kind::Absent, path + ": no such file");
    });
}

std::string problem(std::string_view text)
{
    const auto policy = parse(text);
    return policy ? "" : policy.error().what;
}

bool says(const std::vector<std::string>& all, std::string_view part)
{
    for (const std::string& one : all)
        if (one.find(part) != std::string::npos) return true;
    return false;
}

} // namespace

TEST_CASE("a policy is read whole")
{
    const auto policy = parse(R"(
interfaces: [eth0, eth1]
mode: generic
default: drop
dry_run: true
drop_odd: [tcp-flags, land]
sample_every: 100
lists:
  feed: {verdict: drop, file: bad.txt}
rules:
  - {name: web, protocol: [tcp, udp], to_port: [80, 8000-8080, 60000-], flags: "syn,!ack", verdict: pass}
  - {name: slow, protocol: udp, limit: {rate: 10Mbit, burst: 64K, per: "source/24,56"}}
)");
    // Flags belong to TCP alone.
    REQUIRE_FALSE(policy);
    const auto good = parse(R"(
interfaces: [eth0, eth1]
mode: generic
default: drop
dry_run: true
drop_odd: [tcp-flags, land]
sample_every: 100
lists:
  feed: {verdict: drop, file: bad.txt}
rules:
  - {name: web, protocol: tcp, to_port: [80, 8000-8080, 60000-], flags: "syn,!ack", verdict: pass}
  - {name: slow, protocol: udp, limit: {rate: 10Mbit, burst: 64K, per: "source/24,56"}}
)");
    REQUIRE_MESSAGE(good, good.error().what);
    CHECK(good->interfaces == std::vector<std::string>{"eth0", "eth1"});
    CHECK(good->mode == FilterPolicy::Mode::Generic);
    CHECK(good->default_drop);
    CHECK(good->dry_run);
    CHECK(good->odd == (1U << ODD_TCP_NULL | 1U << ODD_TCP_XMAS | 1U << ODD_TCP_SYN_FIN | 1U << ODD_TCP_SYN_RST |
                        1U << ODD_TCP_FIN_ONLY | 1U << ODD_LAND));
    CHECK(good->lists.at(0).prefixes.size() == 2);
    CHECK(good->rules.at(0).destination_ports == std::vector<Range>{{80, 80}, {8000, 8080}, {60000, 65535}});
    CHECK(good->rules.at(0).tcp_flags == TcpFlags{18, 2});
    const RateLimit limit = good->rules.at(1).limit.value_or(RateLimit{});
    CHECK(limit.bytes);
    CHECK(limit.rate == 1'250'000);
    CHECK(limit.burst == 65536);
    CHECK(limit.length4 == 24);
    CHECK(limit.length6 == 56);
}

TEST_CASE("what is wrong is named with its place")
{
    struct Case {
        const char *text, *says;
    };
    const std::array cases{
        Case{"{}", "interfaces"},
        Case{"interfaces: []", "at least one interface"},
        Case{"interfaces: [a-name-that-is-too-long]", "no interface name"},
        Case{"{interfaces: [e], mode: quick}", "native, generic"},
        Case{"{interfaces: [e], rulez: []}", "rules"},
        Case{"{interfaces: [e], drop_odd: xmas}", "tcp-xmas"},
        Case{"{interfaces: [e], lists: {a: {prefixes: [10.0.0.1/8]}}}", "p.yaml:1:"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, file: broken.txt}}}", "broken.txt:2"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, file: absent.txt}}}", "no such file"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop}}}", "prefixes, a file or both"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, prefixes: [10.0.0.1], expires: 10}}}", "unit"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, prefixes: [10.0.0.1], expires: 10ms}}}", "ten years"},
        Case{"{interfaces: [e], lists: {a: {prefixes: [10.0.0.1], expires: 1h}}}", "pass or drop"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, prefixes: [{prefix: 10.0.0.1, until: 1h}]}}}", "until"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, prefixes: [{expires: 1h}]}}}", "prefix"},
        Case{"interfaces: [e]\nlists:\n  a:\n    verdict: drop\n    prefixes:\n      - 10.0.0.1\n      - 10.0.0.300\n",
             "p.yaml:7:"},
        Case{"{interfaces: [e], live: false, lists: {a: {verdict: drop, prefixes: [10.0.0.1], feed: f}}}",
             "live: false"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, prefixes: [10.0.0.1], feed: f}, b: {verdict: pass, "
             "prefixes: [10.0.0.2], feed: f}}}",
             "of another list"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, prefixes: [10.0.0.1], feed: \"f g\"}}}", "no blanks"},
        Case{"{interfaces: [e], lists: {a-list-of-a-very-long-name-x: {verdict: drop, prefixes: [10.0.0.1], expires: "
             "1h}}}",
             "26 at most"},
        Case{"{interfaces: [e], lists: {a: {verdict: drop, prefixes: [{prefix: 0.0.0.0/0, expires: 0s}]}}}",
             "out of range"},
        Case{"{interfaces: [e], rules: [{name: a}]}", "a verdict"},
        Case{"{interfaces: [e], rules: [{verdict: drop}]}", "name"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop}, {name: a, verdict: drop}]}", "another list or rule"},
        Case{"{interfaces: [e], rules: [{name: a b, verdict: drop}]}", "no blanks"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop, to_port: 70000}]}", "0 to 65535"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop, to_port: 20-10}]}", "no range"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop, protocol: gre, to_port: 20}]}", "TCP and UDP"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop, icmp_type: 8}]}", "icmpv6"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop, from: nobody}]}", "no list 'nobody'"},
        Case{"{interfaces: [e], lists: {l: {verdict: drop, prefixes: [10.0.0.0/8]}}, rules: [{name: a, from: l, "
             "verdict: "
             "drop}]}",
             "decides by itself"},
        Case{"{interfaces: [e], rules: [{name: a, limit: {rate: 0/s}}]}", "1/s"},
        Case{"{interfaces: [e], rules: [{name: a, limit: {rate: 1000/s, burst: 1}}]}", "10 ms"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop, limit: {rate: 5/s}}]}", "or a limit"},
        Case{"{interfaces: [e], rules: [{name: a, limit: {rate: 5/s, per: rule/24}}]}", "source/24"},
        Case{"{interfaces: [e], rules: [{name: a, verdict: drop, flags: \"syn,!syn\"}]}", "twice"},
    };
    for (const Case& one : cases) {
        CHECK_MESSAGE(problem(one.text).find(one.says) != std::string::npos, std::string(one.text), problem(one.text));
        CHECK(problem(one.text).find('\n') == std::string::npos);
    }
}

TEST_CASE("rules that never act, prefixes in two lists and lists nobody uses are named")
{
    const auto policy = parse(R"(
interfaces: [e]
lists:
  a: {verdict: drop, prefixes: [10.0.0.0/8]}
  b: {verdict: pass, prefixes: [10.0.0.0/8]}
  c: {prefixes: [192.0.2.0/24]}
rules:
  - {name: udp, protocol: udp, verdict: drop}
  - {name: dns, protocol: udp, to_port: 53, verdict: pass}
  - {name: syn, protocol: tcp, flags: "syn", verdict: drop}
  - {name: only-syn, protocol: tcp, flags: "syn,!ack", verdict: pass}
  - {name: web, protocol: tcp, to_port: 80, verdict: pass}
)");
    REQUIRE_MESSAGE(policy, policy.error().what);
    const auto found = doubts(*policy);
    CHECK(found.size() == 4);
    CHECK(says(found, "rule 'dns' (line 9) never acts: 'udp' (line 8)"));
    CHECK(says(found, "rule 'only-syn'"));
    CHECK(says(found, "10.0.0.0/8 stands in list 'a' (line 4) and in 'b' (line 5): 'b' has it"));
    CHECK(says(found, "list 'c'"));
}

TEST_CASE("rules of opposite verdicts whose ranges cut into each other are named, exceptions are not")
{
    const auto found = [](std::string_view rules) {
        return doubts(parse("{interfaces: [e], rules: [" + std::string(rules) + "]}").value());
    };
    const auto cut = found("{name: a, protocol: tcp, to_port: 80-90, verdict: pass}, {name: b, protocol: tcp, to_port: "
                           "[85-95, 99], verdict: drop}");
    REQUIRE(cut.size() == 1);
    CHECK(cut[0] == "rules 'a' (line 1) and 'b' (line 1) contradict each other where their ranges overlap: there 'a' "
                    "decides");
    for (const char* fine : {"{name: a, to_port: 80, verdict: pass}, {name: b, to_port: 80-90, verdict: drop}",
                             "{name: a, to_port: 80-90, verdict: drop}, {name: b, to_port: 85-95, verdict: drop}",
                             "{name: a, to_port: 80-84, verdict: pass}, {name: b, to_port: 85-95, verdict: drop}",
                             "{name: a, protocol: tcp, to_port: 80-90, verdict: pass}, {name: b, protocol: udp, "
                             "to_port: 85-95, verdict: drop}"})
        CHECK_MESSAGE(found(fine).empty(), fine);
}

TEST_CASE("guards are rules behind one's own, and their words are known")
{
    const auto policy = parse("{interfaces: [e], guards: [amplification, ping-flood], rules: [{name: mine, protocol: "
                              "udp, from_port: 161, verdict: pass}]}");
    REQUIRE_MESSAGE(policy, policy.error().what);
    REQUIRE(policy->rules.size() == 6);
    CHECK(policy->rules[0].name == "mine");
    CHECK(policy->rules[1].name == "udp-amplification");
    CHECK(policy->rules[5].limit->rate == 50);
    CHECK_FALSE(parse("{interfaces: [e], guards: smurf}"));
    CHECK_FALSE(parse("{interfaces: [e], guards: amplification, rules: [{name: dns-amplification, verdict: count}]}"));
}

TEST_CASE("a policy that blocks everything is recognised, one that leaves a way in is not")
{
    const auto blocks = [](std::string_view text) { return !blocks_everything(parse(text).value()).empty(); };
    CHECK(blocks("{interfaces: [e], default: drop}"));
    CHECK(blocks("{interfaces: [e], rules: [{name: a, verdict: drop}]}"));
    CHECK(blocks("{interfaces: [e], lists: {a: {verdict: drop, prefixes: ['::/0']}}}"));
    CHECK_FALSE(blocks("{interfaces: [e], default: drop, dry_run: true}"));
    CHECK_FALSE(blocks("{interfaces: [e], default: drop, rules: [{name: a, protocol: tcp, verdict: pass}]}"));
    CHECK_FALSE(blocks("{interfaces: [e], rules: [{name: a, protocol: udp, verdict: drop}]}"));
}

TEST_CASE("a list or rule keeps its counter from policy to policy; a new one takes a free number")
{
    const auto first = parse("{interfaces: [e], rules: [{name: a, verdict: pass}, {name: b, verdict: pass}]}");
    const auto second = parse("{interfaces: [e], rules: [{name: c, verdict: pass}, {name: b, verdict: pass}]}");
    const auto before = name_counters(*first, {});
    REQUIRE(before);
    const auto after = name_counters(*second, *before);
    REQUIRE(after);
    CHECK(after->at("b") == before->at("b"));
    CHECK(after->at("c") == before->at("a"));
    CHECK(counter_name(after->at("c"), *after) == "c");
    CHECK(counter_name(+COUNT_ODD + +ODD_LAND, *after) == "odd land");
}

TEST_CASE("rules that cut a field into more pieces than the tables hold are refused")
{
    FilterPolicy policy;
    policy.interfaces = {"e"};
    for (unsigned i = 0; i < RULES_MOST; ++i) {
        FilterRule rule;
        rule.name = "r" + std::to_string(i);
        for (unsigned piece = 0; piece < 64; ++piece)
            rule.destination_ports.push_back({piece * 1000 + i * 3, piece * 1000 + i * 3 + 1});
        policy.rules.push_back(rule);
    }
    const auto names = name_counters(policy, {});
    REQUIRE(names);
    CHECK(make_image(policy, *names)); // the pieces repeat: 513 different vectors
    for (unsigned i = 0; i < RULES_MOST; ++i)
        policy.rules[i].destination_ports.clear();
    for (unsigned port = 0; port < 65536; port += 2)
        for (const unsigned rule : {port * 31 % RULES_MOST, port * 17 / 7 % RULES_MOST, port / 256})
            policy.rules[rule].destination_ports.push_back({port, port});
    const auto image = make_image(policy, *names);
    REQUIRE_FALSE(image);
    CHECK(image.error().kind == Error::Kind::Rejected);
}

TEST_CASE("what ends or has a feed stands apart from the tables of lists, each prefix with its own time")
{
    const auto policy = parse(R"(
interfaces: [eth0]
lists:
  short: {verdict: drop, prefixes: [10.0.0.1, {prefix: 10.0.0.2, expires: 5m}]}
  all: {verdict: pass, prefixes: [10.1.0.0/16, {prefix: 10.2.0.0/16, expires: 2h}], expires: 1h}
  fed: {verdict: drop, file: [bad.txt, bad.txt], feed: bad}
  empty: {verdict: drop, prefixes: [], feed: later}
)");
    REQUIRE_MESSAGE(policy, policy.error().what);
    REQUIRE(policy->lists.size() == 4);
    CHECK(policy->lists[0].prefixes.size() == 1);
    CHECK(policy->lists[0].feed == "list:short");
    CHECK(policy->lists[1].prefixes.empty());
    CHECK(policy->lists[2].feed == "bad");
    using std::chrono::seconds;
    const LiveTime second = 1'000'000'000, now = 77 * second;
    const auto entries = listed_entries(*policy, now, seconds(300));
    REQUIRE(entries.size() == 2 + 2 * 2);
    CHECK(to_text(entries[0].prefix) == "10.2.0.0/16"); // 10.0.0.2 is over
    CHECK(entries[0].allowed);
    CHECK(entries[0].until == now + 6900 * second);
    CHECK(entries[1].until == now + 3300 * second);
    CHECK(entries[2].until == LIVE_FOREVER);
    CHECK(entries[2].feed == "bad");
    CHECK_FALSE(entries[2].allowed);
    CHECK(blocks_everything(*parse("{interfaces: [e], lists: {a: {verdict: drop, prefixes: [::/0], expires: 1h}}}"))
              .find("drops ::/0") != std::string::npos);
}
