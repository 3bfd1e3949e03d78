// SPDX-License-Identifier: GPL-2.0-or-later
// Comparisons of configurations, from runs that are made up.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "outcome/league.h"
#include "outcome/league_report.h"

using namespace netwright;
using namespace netwright::outcome;

namespace {

const Metric throughput{"throughput", "bit/s", Direction::Higher, Scale::Ratio, 0.02, true, 0};
const Metric latency{"latency-p50", "us", Direction::Lower, Scale::Ratio, 0.02, true, 0};

Standing standing(const char* name, std::vector<double> values, unsigned stuck = 0)
{
    return {name, std::move(values), stuck, 0, "", {}, ""};
}

Trial trial(double value)
{
    Trial one;
    one.metric = throughput;
    one.value = value;
    return one;
}

const std::vector<Configuration> two{{"defaults", {}, {}}, {"netwright", {}, {}}};

} // namespace

TEST_CASE("a gain above one is better, whichever way the metric counts")
{
    const Standing low = standing("a", {100, 101, 102, 103, 104, 105});
    const Standing high = standing("b", {200, 202, 204, 206, 208, 210});
    const Gain more = gain(throughput, low, high, 0.05);
    CHECK(more.outcome == Outcome::Better);
    CHECK(more.ratio.estimate == doctest::Approx(2).epsilon(0.02));
    CHECK(more.ratio.low > 1.8);
    CHECK(more.ratio.high < 2.2);
    const Gain slower = gain(latency, low, high, 0.05);
    CHECK(slower.outcome == Outcome::Worse);
    CHECK(slower.ratio.estimate == doctest::Approx(0.5).epsilon(0.02));
    CHECK(slower.ratio.low < slower.ratio.estimate);
    CHECK(slower.ratio.high > slower.ratio.estimate);
}

TEST_CASE("too few runs give no bounds and no verdict")
{
    for (const Metric& metric : {throughput, latency}) {
        const Gain few = gain(metric, standing("a", {100, 101}), standing("b", {200, 202}), 0.05);
        CHECK(few.outcome == Outcome::NotEnoughData);
        CHECK(std::isinf(few.ratio.low));
        CHECK(std::isinf(few.ratio.high));
        CHECK(few.ratio.low < few.ratio.high);
        CHECK(gain(metric, standing("a", {}), standing("b", {1, 2}), 0.05).outcome == Outcome::NotEnoughData);
    }
}

TEST_CASE("where one of them is stuck there is an answer without a ratio")
{
    const Standing stuck = standing("a", {}, 4), free = standing("b", {1, 2, 3, 4}), both = standing("c", {1, 2}, 2);
    CHECK(gain(throughput, stuck, free, 0.05).outcome == Outcome::Better);
    CHECK(gain(throughput, free, stuck, 0.05).outcome == Outcome::Worse);
    CHECK(gain(throughput, stuck, stuck, 0.05).outcome == Outcome::NoDifference);
    CHECK(gain(throughput, both, free, 0.05).outcome == Outcome::NotEnoughData);
    CHECK(gain(throughput, stuck, free, 0.05).ratio.estimate == 0);
}

TEST_CASE("every round runs every configuration once, and runs that do not count are repeated")
{
    unsigned runs = 0;
    const auto run = [&](const Configuration& configuration) -> Result<Trial> {
        Trial one = trial(configuration.name == "netwright" ? 2 : 1);
        if (++runs % 2 == 1) one.disturbed = "late";
        return one;
    };
    std::mt19937_64 random(1);
    const League league = play("s", two, {.rounds = 5, .repeats = 2}, run, random);
    REQUIRE(league.standings.size() == 2);
    CHECK(league.standings[0].values == std::vector<double>(5, 1));
    CHECK(league.standings[1].values == std::vector<double>(5, 2));
    CHECK(league.standings[0].repeated + league.standings[1].repeated == 10);
    CHECK(league.standings[1].trouble.empty());
    CHECK(league.metric.name == "throughput");
}

TEST_CASE("runs that fail again and again are missing, with the reason")
{
    const auto run = [](const Configuration& configuration) -> Result<Trial> {
        if (configuration.name == "netwright") return fail(Error::Kind::Interrupted, "the test broke");
        return trial(1);
    };
    std::mt19937_64 random(1);
    const League league = play("s", two, {.rounds = 2, .repeats = 1}, run, random);
    CHECK(league.standings[1].values.empty());
    CHECK(league.standings[1].trouble == "the test broke");
    CHECK(misses(league, "netwright", false, 0.05) == std::vector<std::string>{"no run counted"});
    CHECK_FALSE(misses(league, "nobody", false, 0.05).empty());
}

TEST_CASE("a target is missed by being worse, behind, or no better where defaults hurt")
{
    League league{"s",
                  throughput,
                  {standing("defaults", {100, 101, 102, 103, 104, 105}), standing("recipe", {300, 301, 302, 303, 304}),
                   standing("netwright", {200, 201, 202, 203, 204})}};
    CHECK(misses(league, "netwright", true, 0.05) == std::vector<std::string>{"behind recipe"});
    league.standings[1].values = {199, 201, 202, 203, 205};
    CHECK(misses(league, "netwright", true, 0.05).empty());
    league.standings[2].values = league.standings[0].values;
    league.standings[1].values = league.standings[0].values;
    CHECK(misses(league, "netwright", false, 0.05).empty());
    CHECK(misses(league, "netwright", true, 0.05).size() == 1);
    league.standings[2].values = {50, 51, 52, 53, 54};
    CHECK(misses(league, "netwright", false, 0.05).front() == "worse than defaults");
}

TEST_CASE("a run counts only while the emulator keeps its promise")
{
    lab::EmulatorReport report;
    report.lateness_p99_ns = 900'000;
    CHECK(disturbance(report, std::chrono::milliseconds(1)).empty());
    report.lateness_p99_ns = 1'100'000;
    CHECK(disturbance(report, std::chrono::milliseconds(1)) == "the emulator was late by 1.1 ms at p99");
    report.own_losses = 3;
    CHECK(disturbance(report, std::chrono::seconds(1)).find("lost 3 packets") != std::string::npos);
}

TEST_CASE("the table, the JSON and the page tell ratios, what is stuck, and missed targets")
{
    Played played;
    played.scenario.name = "hole";
    played.scenario.metric = "throughput";
    played.scenario.defaults_hurt = true;
    played.plan.name = "netwright";
    played.league = {"hole",
                     throughput,
                     {standing("defaults", {}, 5), standing("recipe", {}, 5),
                      standing("netwright", {1e9, 1.1e9, 1.2e9, 1.3e9, 1.4e9})}};
    const std::string text = outcome_text(played, 0.05, {});
    CHECK(text.find("stuck") != std::string::npos);
    CHECK(text.find("1.2 Gbit/s") != std::string::npos);
    CHECK(text.find("target  met") != std::string::npos);
    const auto json = nlohmann::json::parse(outcome_json({played}, {}, "6.18"));
    CHECK(json["schema"] == 1);
    const auto& rows = json["scenarios"][0]["configurations"];
    REQUIRE(rows.size() == 3);
    CHECK(rows[0]["stuck"] == 5);
    CHECK(rows[2]["gain"].is_null());
    CHECK(rows[2]["outcome"] == "better");
    CHECK(outcome_html({played}, {}, "6.18").find("no ratio, better") != std::string::npos);

    played.scenario.about = "<b>";
    played.league.standings[0] = standing("defaults", {0.5e9, 0.55e9, 0.6e9, 0.65e9, 0.7e9});
    const std::string page = outcome_html({played}, {}, "6.18");
    CHECK(page.find("2 x, better") != std::string::npos);
    CHECK(page.find("circle class='better'") != std::string::npos);
    CHECK(page.find("<b>") == std::string::npos);
}
