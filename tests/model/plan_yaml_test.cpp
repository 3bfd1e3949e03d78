// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/plan_yaml.h"

#include <doctest/doctest.h>

#include <tuple>

using namespace netwright;
using namespace std::chrono_literals;

namespace {

Change change(std::string_view tunable, std::optional<Value> from, std::optional<Value> to)
{
    return {*parse_tunable(tunable), std::move(from), std::move(to), {"some-rule"}, "because: 2 x 62.5 MB"};
}

Plan example()
{
    Plan plan;
    plan.made_for = {"0123abcd", "web1", "6.1.0-28-amd64", "init", {"eth0 virtio_net 52:54:00:12:34:56"}};
    plan.intent.workload = {Workload::WebServer, true, "--workload"};
    plan.intent.bandwidth = Answer<BitRate>{10_Gbit, true, "--bandwidth"};
    plan.intent.rtt = Answer<Nanoseconds>{38'123us, false, "RTT 38 ms: 90th percentile of 412 connections"};
    plan.intent.connections = Answer<std::uint64_t>{412, false, "established now"};
    plan.intent.loss = Answer<double>{1.0 / 3, false, "bytes"};
    plan.intent.protect = {"net.ipv4.conf.*"};
    plan.inputs = {{"bandwidth-delay product", "62.5 MB (59.6 MiB)", "10 Gbit/s x 50 ms / 8"}};
    plan.changes = {
        change("sysctl/net.core.rmem_max", Value{std::int64_t{212992}}, Value{std::int64_t{-5}}),
        change("sysctl/net.ipv4.tcp_rmem", Value{std::vector<std::int64_t>{4096, 131072, 6291456}},
               Value{std::vector<std::int64_t>{4096, 131072, 125'829'120}}),
        change("sysctl/net.ipv4.tcp_congestion_control", Value{std::string("cubic")}, Value{std::string("bbr")}),
        change("sysctl/net.ipv4.ip_local_reserved_ports", Value{std::string("")}, Value{std::string("8080,9000-9010")}),
        change("sysctl/kernel.odd", Value{std::string("123")}, Value{std::string("true")}),
        change("sysctl/kernel.words", Value{std::string("1 2")}, Value{std::string("007")}),
        change("sysctl/kernel.one", Value{std::vector<std::int64_t>{7}}, std::nullopt),
        change("sysctl/net.ipv4.conf.eth0/100.rp_filter", std::nullopt, Value{std::int64_t{1}}),
        change("link/eth0/mtu", Value{std::int64_t{1500}}, Value{std::int64_t{9000}}),
        change("queue/eth0/rx-0/rps_cpus", Value{CpuSet{}}, Value{*CpuSet::parse_list("0-3,70")}),
        change("queue/eth0/rx-0/rps_flow_cnt", Value{std::int64_t{0}}, Value{std::int64_t{4096}}),
        change("link/eth0/threaded", Value{std::string("off")}, Value{std::string("on")}),
    };
    plan.changes[1].because = {"a", "b, c"};
    plan.changes[1].risk = Risk::Medium;
    plan.changes[1].reach = Reach::NamespaceNew;
    plan.changes[1].persistence = Persistence::SysctlFile;
    plan.changes[8].interrupts = true;
    plan.changes[8].why = std::string(60, 'x') + " " + std::string(60, 'y') + ": z # not a comment";
    plan.left_out = {{"sysctl/net.ipv4.tcp_tw_reuse", "1", "risk medium is above --risk low", {"time-wait"}}};
    plan.advice = {"Raise the backlog of nginx: listen 443 backlog=4096;", "- look"};
    return plan;
}

// The example with one piece of its text replaced.
Result<Plan> with(std::string_view old, std::string_view replacement)
{
    std::string text = to_yaml(example());
    const auto place = text.find(old);
    REQUIRE(place != std::string::npos);
    text.replace(place, old.size(), replacement);
    return plan_from_yaml(text, "plan.yaml");
}

} // namespace

TEST_CASE("a plan reads back as the same value, whatever looks like something else in it")
{
    const auto again = plan_from_yaml(to_yaml(example()), "plan.yaml");
    if (!again) FAIL(again.error().what);
    CHECK(*again == example());
    CHECK(to_yaml(*again) == to_yaml(example()));
}

TEST_CASE("an empty plan says so and reads back")
{
    const auto again = plan_from_yaml(to_yaml(Plan{}), "plan.yaml");
    REQUIRE(again);
    CHECK(*again == Plan{});
    CHECK(to_yaml(Plan{}).starts_with("# A netwright plan without changes: nothing found"));
}

TEST_CASE("a plan opens with what a reviewer asks first")
{
    const std::string text = to_yaml(example());
    CHECK(text.starts_with("# A netwright plan: 12 changes, applied from top to bottom"));
    CHECK(text.find("# Made for: web1, Linux 6.1.0-28-amd64, network namespace init\n") != std::string::npos);
    CHECK(text.find("# For:      web-server (given: --workload)\n") != std::string::npos);
    CHECK(text.find("bandwidth 10 Gbit/s (given: --bandwidth)") != std::string::npos);
}

TEST_CASE("hostile words in a plan's origin cannot leave their comment")
{
    Plan plan = example();
    plan.made_for.hostname = "x\nschema: 9";
    plan.intent.workload.reason = "y\nchanges: []";
    const auto again = plan_from_yaml(to_yaml(plan), "plan.yaml");
    REQUIRE(again);
    CHECK(*again == plan);
}

TEST_CASE("numbers written by a person as a line of text mean a list")
{
    const auto plan = with("to: [4096, 131072, 125829120]", "to: 4096 131072 125829120");
    REQUIRE(plan);
    CHECK(*plan == example());
}

TEST_CASE("a mistake in a plan is named with its place and the way out")
{
    const std::vector<std::tuple<const char*, const char*, const char*>> mistakes{
        {"schema: 1", "schema: one", "a number from 1 is expected"},
        {"schema: 1\n", "", "'schema' is missing"},
        {"    reach: namespace\n", "", "'reach' is missing"},
        {"    why: \"because", "    wy: \"because", "unknown field 'wy': did you mean why?"},
        {"sysctl/net.core.rmem_max", "sysctl/net.ipv4.../../x", "is no tunable"},
        {"sysctl/net.core.rmem_max", "nic/eth0/wheel/rx", "is no tunable"},
        {"sysctl/net.core.rmem_max", "sysctl/net.ipv4.tcp_rmem", "is changed twice (first in line"},
        {"to: -5", "to: yes", "write 1 or 0"},
        {"to: -5", "to: {a: 1}", "a number, a list of numbers or text is expected"},
        {"to: -5", "to: [1, x]", "'x' is not a number"},
        {"to: -5", "to: [1, 99999999999999999999]", "is not a number in range"},
        {"to: 9000", "to: fast", "is not a number of at least 0"},
        {"to: 9000", "to: [9000]", "takes one value, no list"},
        {"to: \"list:0-3,70\"", "to: \"list:0-99999\"", "queue"},
        {"risk: medium", "risk: middle", "unknown risk 'middle'"},
        {"interrupts: true", "interrupts: yes", "true or false is expected"},
        {"persistence: sysctl.d", "persistence: forever", "unknown persistence"},
        {"nics: [", "nics: x\n  more: [", "unknown field 'more'"},
        {"given: true", "given: 1", "true or false is expected"},
        {"advice:\n", "advice: {}\nmore:\n", "unknown field 'more'"},
    };
    for (const auto& [old, replacement, words] : mistakes) {
        CAPTURE(replacement);
        const auto plan = with(old, replacement);
        REQUIRE_FALSE(plan);
        CAPTURE(plan.error().what);
        CHECK(plan.error().kind == Error::Kind::Malformed);
        CHECK(plan.error().what.starts_with("plan.yaml:"));
        CHECK(plan.error().what.find('\n') == std::string::npos);
        if (std::string_view(words) != "queue") CHECK(plan.error().what.find(words) != std::string::npos);
    }
    for (const char* text : {"", "# nothing\n", "[]", "text", "changes: []\n"})
        CHECK_FALSE(plan_from_yaml(text, "p"));
}

TEST_CASE("a plan that was cut short anywhere up to its advice is refused")
{
    const std::string text = to_yaml(example());
    const std::size_t end = text.find("advice:\n  -");
    REQUIRE(end != std::string::npos);
    for (std::size_t length = 0; length < end; ++length) {
        CAPTURE(text.substr(0, length));
        REQUIRE_FALSE(plan_from_yaml(text.substr(0, length), "plan.yaml"));
    }
}

TEST_CASE("a plan of a newer schema asks for a newer netwright, whatever else it holds")
{
    const auto plan = plan_from_yaml("schema: 2\nnovelty: 1\n", "plan.yaml");
    REQUIRE_FALSE(plan);
    CHECK(plan.error().kind == Error::Kind::Unsupported);
    CHECK(plan.error().what.starts_with("plan.yaml:1:9: schema 2 is newer than this netwright"));
}
