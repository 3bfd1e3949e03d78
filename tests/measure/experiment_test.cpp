// SPDX-License-Identifier: GPL-2.0-or-later
// Experiments on made-up hosts: verdicts, early stops, guardrails and errors.
#include "measure/experiment.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::measure;

namespace {

// A stream of so many Mbit/s, give or take.
Measurement stream(double mbit, std::uint64_t retransmits = 0)
{
    Measurement made;
    made.traffic.kind = TrafficKind::TcpStream;
    made.server.seconds = 1;
    made.server.bytes_received = static_cast<std::uint64_t>(mbit * 1e6 / 8);
    made.client.operations = 1;
    made.client.segments = 1000;
    made.client.retransmits = retransmits;
    return made;
}

struct Fake {
    double baseline = 100, candidate = 100;
    std::uint64_t candidate_retransmits = 0;
    int calls = 0;
    std::mt19937_64 noise{5};
    Result<Measurement> operator()(Arm arm)
    {
        ++calls;
        const double base = arm == Arm::Baseline ? baseline : candidate;
        return stream(base * std::normal_distribution(1.0, 0.01)(noise),
                      arm == Arm::Baseline ? 0 : candidate_retransmits);
    }
};

const Verdict& verdict_of(const ExperimentResult& result, std::string_view metric)
{
    for (const Verdict& verdict : result.verdicts)
        if (verdict.metric == metric) return verdict;
    FAIL("no such verdict");
    return result.verdicts.front();
}

ExperimentRules about_throughput()
{
    ExperimentRules rules;
    rules.metrics = {"throughput"};
    rules.most_pairs = 40;
    return rules;
}

} // namespace

TEST_CASE("an experiment finds what helps, what harms and what makes no difference, and stops when it knows")
{
    std::mt19937_64 random(1);
    Fake helps{100, 150};
    const auto better = run_experiment(about_throughput(), std::ref(helps), random);
    REQUIRE(better);
    CHECK(verdict_of(*better, "throughput").outcome == Outcome::Better);
    CHECK(better->helps());
    CHECK(better->decided);
    CHECK(better->pairs <= 10);
    CHECK(helps.calls == static_cast<int>(2 * better->pairs));

    Fake harms{100, 50};
    const auto worse = run_experiment(about_throughput(), std::ref(harms), random);
    REQUIRE(worse);
    CHECK(verdict_of(*worse, "throughput").outcome == Outcome::Worse);
    CHECK_FALSE(worse->helps());

    Fake same;
    const auto equal = run_experiment(about_throughput(), std::ref(same), random);
    REQUIRE(equal);
    CHECK(verdict_of(*equal, "throughput").outcome == Outcome::NoDifference);
    CHECK_FALSE(equal->helps());
}

TEST_CASE("too few pairs are not enough data, and no pairs are no verdict")
{
    std::mt19937_64 random(1);
    ExperimentRules rules = about_throughput();
    rules.most_pairs = 3;
    Fake helps{100, 150};
    const auto result = run_experiment(rules, std::ref(helps), random);
    REQUIRE(result);
    CHECK(verdict_of(*result, "throughput").outcome == Outcome::NotEnoughData);
    CHECK_FALSE(result->helps());
    CHECK_FALSE(result->decided);
    rules.most_pairs = 0;
    CHECK(run_experiment(rules, std::ref(helps), random)->verdicts.empty());
}

TEST_CASE("a guardrail ends the experiment at once, whatever else got better")
{
    std::mt19937_64 random(1);
    ExperimentRules rules = about_throughput();
    rules.guardrails = {*parse_guardrail("retransmits < 5%")};
    Fake reckless{100, 200, 80};
    const auto result = run_experiment(rules, std::ref(reckless), random);
    REQUIRE(result);
    CHECK(result->pairs == 1);
    CHECK(result->broken.has_value());
    CHECK_FALSE(result->helps());
    rules.guardrails = {*parse_guardrail("throughput > 0.5x")};
    Fake slow{100, 30};
    CHECK(run_experiment(rules, std::ref(slow), random)->broken.has_value());
    rules.guardrails = {*parse_guardrail("latency-p99 < 1ms")}; // a stream has no latency: nothing to break
    CHECK_FALSE(run_experiment(rules, std::ref(slow), random)->broken.has_value());
}

TEST_CASE("an error of a run ends the experiment with that error")
{
    std::mt19937_64 random(1);
    int calls = 0;
    const auto result = run_experiment(
        about_throughput(),
        [&](Arm) -> Result<Measurement> {
            if (++calls == 5) return fail(Error::Kind::Interrupted, "the server went away");
            return stream(100);
        },
        random);
    REQUIRE_FALSE(result);
    CHECK(result.error().what == "the server went away");
    CHECK(calls == 5);
}

TEST_CASE("both orders of a pair occur")
{
    std::mt19937_64 random(1);
    std::vector<Arm> order;
    ExperimentRules rules = about_throughput();
    rules.metrics = {"no metric decides"};
    (void)run_experiment(
        rules,
        [&](Arm arm) -> Result<Measurement> {
            order.push_back(arm);
            return stream(100);
        },
        random);
    REQUIRE(order.size() == 80);
    int baseline_first = 0;
    for (std::size_t i = 0; i < order.size(); i += 2) {
        CHECK(order[i] != order[i + 1]);
        baseline_first += order[i] == Arm::Baseline ? 1 : 0;
    }
    CHECK(baseline_first > 8);
    CHECK(baseline_first < 32);
}

TEST_CASE("guardrails are read with their units, and nonsense is refused")
{
    const auto p99 = parse_guardrail(" latency-p99 < 2ms ");
    REQUIRE(p99);
    CHECK(p99->metric == "latency-p99");
    CHECK(p99->limit == 2000);
    CHECK(p99->good == Direction::Lower);
    CHECK_FALSE(p99->relative);
    CHECK(parse_guardrail("throughput > 1Gbit")->limit == 1e9);
    CHECK(parse_guardrail("latency-p99 < 3x")->relative);
    CHECK(parse_guardrail("rate > 1000")->limit == 1000);
    for (const char* text :
         {"", "latency-p99", "speed < 3", "latency-p99 < ", "latency-p99 < fast", "latency-p99 < -1", "rate > nan"})
        CHECK_FALSE(parse_guardrail(text));
}
