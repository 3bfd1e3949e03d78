// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/make_plan.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "plan_host.h"

using namespace netwright;
using namespace plan_host;
using namespace std::chrono_literals;
using plan::make_plan;

namespace {

const std::vector<std::pair<std::string, std::string>> usual{{"net.core.netdev_max_backlog", "1000"},
                                                             {"net.core.rmem_max", "212992"},
                                                             {"net.core.somaxconn", "4096"},
                                                             {"net.ipv4.tcp_congestion_control", "cubic"},
                                                             {"net.ipv4.tcp_rmem", "4096\t131072\t6291456"},
                                                             {"net.ipv4.tcp_retries2", "15"},
                                                             {"net.ipv4.tcp_tw_reuse", "2"}};

Plan plan_of(std::vector<Finding> findings, const Intent& intent = {})
{
    return make_plan({std::move(findings), {}, 1}, host(usual), intent);
}

} // namespace

TEST_CASE("a host with nothing to improve gets an empty plan")
{
    const Plan plan = plan_of({});
    CHECK(plan.changes.empty());
    CHECK(plan.left_out.empty());
}

TEST_CASE("findings that raise the same list meet at the largest of each element")
{
    const Plan plan =
        plan_of({finding("a", {change("net.ipv4.tcp_rmem", "4096 131072 6291456", "4096 131072 33554432")}),
                 finding("b", {change("net.ipv4.tcp_rmem", "4096 131072 6291456", "8192 131072 16777216")})});
    REQUIRE(plan.changes.size() == 1);
    CHECK((plan.changes[0].to == Value{std::vector<std::int64_t>{8192, 131072, 33554432}}));
    CHECK(plan.changes[0].because == std::vector<std::string>{"a", "b"});
    CHECK(plan.left_out.empty());
}

TEST_CASE("a contradiction goes to the finding that ranks higher, and the other is told why")
{
    const Plan plan = plan_of({finding("a", {change("net.ipv4.tcp_congestion_control", "cubic", "bbr")}),
                               finding("b", {change("net.ipv4.tcp_congestion_control", "cubic", "reno")})});
    REQUIRE(plan.changes.size() == 1);
    CHECK((plan.changes[0].to == Value{std::string("bbr")}));
    REQUIRE(plan.left_out.size() == 1);
    CHECK(plan.left_out[0] ==
          LeftOut{"sysctl/net.ipv4.tcp_congestion_control", "reno", "a ranks higher and sets bbr", {"b"}});
}

TEST_CASE("one that raises and one that lowers contradict each other")
{
    const Plan plan = plan_of({finding("a", {change("net.ipv4.tcp_retries2", "15", "8")}),
                               finding("b", {change("net.ipv4.tcp_retries2", "15", "20")})});
    REQUIRE(plan.changes.size() == 1);
    CHECK((plan.changes[0].to == Value{std::int64_t{8}}));
    CHECK(plan.left_out.size() == 1);
}

TEST_CASE("findings that agree become one change with both reasons and the higher risk")
{
    Intent intent;
    intent.welcome = Risk::Medium;
    const Plan plan = plan_of({finding("a", {change("net.core.somaxconn", "4096", "8192")}),
                               finding("b", {change("net.core.somaxconn", "4096", "8192", Risk::Medium)})},
                              intent);
    REQUIRE(plan.changes.size() == 1);
    CHECK(plan.changes[0].risk == Risk::Medium);
    CHECK(plan.changes[0].because == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a change to the present value is no change, however it is written")
{
    CHECK(plan_of({finding("a", {change("net.ipv4.tcp_rmem", "1 2 3", "4096  131072\t6291456")})}).changes.empty());
}

TEST_CASE("the snapshot, not the rule, says what the value is now")
{
    const Plan plan = plan_of({finding("a", {change("net.core.somaxconn", "128", "8192")})});
    REQUIRE(plan.changes.size() == 1);
    CHECK((plan.changes[0].from == Value{std::int64_t{4096}}));
}

TEST_CASE("what was meant to raise never lowers, although the host has more than the rule saw")
{
    CHECK(plan_of({finding("a", {change("net.core.somaxconn", "128", "1024")})}).changes.empty());
    const Plan plan = plan_of({finding("a", {change("net.ipv4.tcp_rmem", "1 2 3", "1 2 33554432")})});
    REQUIRE(plan.changes.size() == 1);
    CHECK((plan.changes[0].to == Value{std::vector<std::int64_t>{4096, 131072, 33554432}}));
}

TEST_CASE("what the host does not show is left out with the reason")
{
    const Plan plan = plan_of({finding("a", {change("net.core.rmem_default", "1", "2")}),
                               finding("b", {change("link/eth7/mtu", "1500", "9000")})});
    CHECK(plan.changes.empty());
    REQUIRE(plan.left_out.size() == 2);
    CHECK(plan.left_out[0].reason.find("net.core.rmem_default") != std::string::npos);
    CHECK_FALSE(plan.left_out[1].reason.empty());
}

TEST_CASE("risk above what is welcome, and protected tunables, are left out")
{
    Intent intent;
    intent.protect = {"net.core.*"};
    const Plan plan = plan_of({finding("a", {change("net.core.somaxconn", "4096", "8192")}),
                               finding("b", {change("net.ipv4.tcp_congestion_control", "cubic", "bbr", Risk::Medium)})},
                              intent);
    CHECK(plan.changes.empty());
    REQUIRE(plan.left_out.size() == 2);
    CHECK(plan.left_out[0].reason == "protected by --protect net.core.*");
    CHECK(plan.left_out[1].reason == "risk medium is above --risk low");
}

TEST_CASE("a convention is planned only where somebody said what the host is for")
{
    const std::vector<Finding> findings{
        finding("a", {change("net.ipv4.tcp_retries2", "15", "8")}, Confidence::Convention)};
    CHECK(plan_of(findings).changes.empty());
    CHECK(plan_of(findings).left_out.at(0).reason.starts_with("convention: nothing on this host shows a need"));
    Intent inferred;
    inferred.workload = {Workload::Gateway, false, "it forwards"};
    CHECK(plan_of(findings, inferred).changes.empty());
    Intent given;
    given.workload = {Workload::Database, true, "--workload"};
    CHECK(plan_of(findings, given).changes.size() == 1);
    given.welcome = Risk::High;
    CHECK(plan_of({finding("a", {change("net.ipv4.tcp_retries2", "15", "8", Risk::Medium)}, Confidence::Convention)},
                  given)
              .changes.empty());
}

TEST_CASE("a capacity is lowered only by a finding that says why lower is better")
{
    Change down = change("net.core.rmem_max", "212992", "65536");
    const Plan silent = plan_of({finding("a", {down})});
    CHECK(silent.changes.empty());
    REQUIRE(silent.left_out.size() == 1);
    CHECK(silent.left_out[0].reason == "would lower 212992 to 65536, and nothing says why less is better");
    down.why = "Lower it: every UDP socket may hold this much";
    CHECK(plan_of({finding("a", {down})}).changes.size() == 1);
    Finding open = finding("a", {change("net.core.rmem_max", "212992", "65536")});
    open.side_effects = "LOWERS the limit: programs that ask for more get less";
    CHECK(plan_of({open}).changes.size() == 1);
    CHECK(plan_of({finding("b", {change("net.ipv4.tcp_retries2", "15", "8")})}).changes.size() == 1); // no capacity
}

TEST_CASE("a value that makes no sense is left out with the catalogue's words")
{
    const Plan plan = plan_of({finding("a", {change("net.core.netdev_max_backlog", "1000", "20000000")})});
    CHECK(plan.changes.empty());
    REQUIRE(plan.left_out.size() == 1);
    CHECK(plan.left_out[0].reason.find("netdev_max_backlog") != std::string::npos);
}

TEST_CASE("what a second finding brings about anyway does not stand under left_out")
{
    const Plan plan = plan_of({finding("a", {change("net.core.somaxconn", "4096", "8192")}, Confidence::Convention),
                               finding("b", {change("net.core.somaxconn", "4096", "8192")})});
    CHECK(plan.changes.size() == 1);
    CHECK(plan.left_out.empty());
}

TEST_CASE("a plan shows its inputs with their origin: 10 Gbit/s over 50 ms is 62.5 MB")
{
    Intent intent;
    intent.bandwidth = Answer<BitRate>{10_Gbit, true, "--bandwidth"};
    intent.rtt = Answer<Nanoseconds>{50ms, false, "90th percentile of 412 connections"};
    const Plan plan = plan_of({}, intent);
    REQUIRE(plan.inputs.size() == 3);
    CHECK(plan.inputs[0] == PlanInput{"bandwidth", "10 Gbit/s", "given: --bandwidth"});
    CHECK(plan.inputs[1].formula == "inferred: 90th percentile of 412 connections");
    CHECK(plan.inputs[2] == PlanInput{"bandwidth-delay product", "62.5 MB (59.6 MiB)", "10 Gbit/s x 50 ms / 8"});
}

TEST_CASE("advice for people is gathered once each")
{
    Finding a = finding("a", {}), b = finding("b", {});
    a.advice = {"restart nginx"};
    b.advice = {"restart nginx", "look at the switch"};
    CHECK(plan_of({a, b}).advice == std::vector<std::string>{"restart nginx", "look at the switch"});
}

TEST_CASE("laws: planning twice gives the same plan, and planning after applying gives an empty one")
{
    std::mt19937 dice(7); // NOLINT: a fixed seed makes a failure repeatable
    const auto random = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(dice); };
    for (int round = 0; round < 200; ++round) {
        std::vector<Finding> findings;
        for (int i = random(1, 6); i > 0; --i) { // these only raise, as a rule does after its own remedy is in place
            const int more = random(0, 9) * 1000;
            findings.push_back(
                finding(fmt::format("r{}", i),
                        {change("net.core.somaxconn", "4096", std::to_string(4096 + more)),
                         change("net.ipv4.tcp_rmem", "4096 131072 6291456",
                                fmt::format("4096 {} {}", 131072 + more, 6291456 + random(0, 1) * more))}));
        }
        const Judgement judgement{findings, {}, 1};
        const Plan first = make_plan(judgement, host(usual), {});
        CHECK(make_plan(judgement, host(usual), {}) == first);
        const Snapshot after = applied(host(usual), first.changes);
        CHECK(make_plan(judgement, after, {}).changes.empty());
    }
}
