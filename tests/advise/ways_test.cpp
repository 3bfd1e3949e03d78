// SPDX-License-Identifier: GPL-2.0-or-later
// Which way is recommended, from runs written down by hand.
#include "advise/ways.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::advise;

namespace {

constexpr double wanted = 1e6;

// One second of `wanted` packets, of which this share was handled.
WayRun run_of(double share, double cpu_seconds = 0.1)
{
    return {1'000'000, 1'000'000, static_cast<std::uint64_t>(1e6 * share), 1, cpu_seconds};
}

WayFigures figures_of(Way way, const std::vector<double>& shares)
{
    WayFigures figures{way, WayTask::Drop, "", {}};
    for (const double share : shares)
        figures.runs.push_back(run_of(share));
    return figures;
}

} // namespace

TEST_CASE("the simplest way that keeps up in every run is recommended")
{
    const std::vector<WayFigures> all{figures_of(Way::DpdkAfXdp, {1, 1, 1}), figures_of(Way::Xdp, {1, 0.9995, 1}),
                                      figures_of(Way::Stack, {0.6, 0.7, 0.65})};
    const WayAdvice advice = recommend_way(all, WayTask::Drop, wanted);
    REQUIRE(advice.way);
    CHECK(*advice.way == Way::Xdp);
    CHECK(advice.reason == "the simplest way that dropped 1.00 M/s in every run");
}

TEST_CASE("a simpler way whose runs disagree is named beside the one recommended")
{
    const std::vector<WayFigures> all{figures_of(Way::Stack, {1, 0.9, 1}), figures_of(Way::Xdp, {1, 1, 1})};
    const WayAdvice advice = recommend_way(all, WayTask::Drop, wanted);
    REQUIRE(advice.way);
    CHECK(*advice.way == Way::Xdp);
    CHECK(advice.reason.find("kernel stack kept up in 2 of 3 runs") != std::string::npos);
}

TEST_CASE("where no way keeps up none is recommended")
{
    const WayAdvice advice = recommend_way(std::vector{figures_of(Way::Stack, {0.5, 0.5, 0.5})}, WayTask::Drop, wanted);
    CHECK_FALSE(advice.way);
    CHECK(advice.reason == "no way here dropped 1.00 M/s");
    const WayAdvice unclear = recommend_way(std::vector{figures_of(Way::Stack, {1, 1, 0.5})}, WayTask::Drop, wanted);
    CHECK_FALSE(unclear.way);
    CHECK(unclear.reason.starts_with("not enough data"));
}

TEST_CASE("a task that was not measured recommends nothing")
{
    CHECK_FALSE(recommend_way(std::vector{figures_of(Way::Stack, {1, 1, 1})}, WayTask::Forward, wanted).way);
    CHECK_FALSE(recommend_way({}, WayTask::Drop, wanted).way);
}

TEST_CASE("a way is judged by all of its runs, and by three at least")
{
    CHECK(judge_way(figures_of(Way::Xdp, {1, 1, 0.9991}), wanted) == WayVerdict::Meets);
    CHECK(judge_way(figures_of(Way::Xdp, {0.998, 0.5, 0}), wanted) == WayVerdict::Fails);
    CHECK(judge_way(figures_of(Way::Xdp, {1, 1, 0.998}), wanted) == WayVerdict::Unclear);
    CHECK(judge_way(figures_of(Way::Xdp, {1, 1}), wanted) == WayVerdict::Unclear);
    CHECK(judge_way({Way::Xdp, WayTask::Drop, "no driver", {}}, wanted) == WayVerdict::Absent);
}

TEST_CASE("a run whose generator was slower than the rate shows no way to keep up")
{
    WayFigures slow = figures_of(Way::Xdp, {1, 1, 1});
    for (WayRun& run : slow.runs)
        run.seconds = 2;
    CHECK(judge_way(slow, wanted) == WayVerdict::Unclear);
    for (WayRun& run : slow.runs)
        run.handled /= 2; // what it lost at half the rate it would lose at the whole one
    CHECK(judge_way(slow, wanted) == WayVerdict::Fails);
    slow.runs = {WayRun{}, WayRun{}, WayRun{}};
    CHECK(judge_way(slow, wanted) == WayVerdict::Unclear);
}

TEST_CASE("a ratio is told only where the ranges do not overlap")
{
    const WayFigures stack = figures_of(Way::Stack, {0.2, 0.25, 0.3});
    const auto apart = ratio(figures_of(Way::Xdp, {0.5, 0.6, 0.4}), stack, rate_of);
    REQUIRE(apart);
    CHECK(*apart == doctest::Approx(2));
    CHECK_FALSE(ratio(figures_of(Way::Xdp, {0.29, 0.6, 0.4}), stack, rate_of));
    CHECK_FALSE(ratio(figures_of(Way::Xdp, {0.5, 0.6}), stack, rate_of));
    CHECK_FALSE(ratio(stack, figures_of(Way::Xdp, {0, 0, 0}), rate_of));
}

TEST_CASE("a summary holds the middle, the ends and the cost of a million packets")
{
    WayFigures figures{Way::Xdp, WayTask::Drop, "", {run_of(0.5, 0.1), run_of(1, 0.3), run_of(0.8, 0.16)}};
    const WaySummary summary = summarize(figures);
    CHECK(summary.rate == doctest::Approx(8e5));
    CHECK(summary.lowest == doctest::Approx(5e5));
    CHECK(summary.highest == doctest::Approx(1e6));
    CHECK(summary.cpu == doctest::Approx(0.2));
    CHECK(summary.lost == doctest::Approx(0.2));
    CHECK(summarize({Way::Xdp, WayTask::Drop, "absent", {}}).rate == 0);
    CHECK(cpu_of(WayRun{}) == 0);
}

TEST_CASE("every way says what it takes away")
{
    for (const Way way : all_ways)
        CHECK_FALSE(taken_away(way).empty());
}
