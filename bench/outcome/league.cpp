// SPDX-License-Identifier: GPL-2.0-or-later
// Rounds in an order drawn by lot, and comparisons.
#include "outcome/league.h"

#include "measure/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace netwright::outcome {
namespace {

constexpr double expected_gain = 1.5; // where the defaults hurt

void note(Standing& standing, League& league, const Trial& trial)
{
    standing.left_out = trial.left_out;
    standing.congestion = trial.congestion;
    if (trial.metric) league.metric = *trial.metric;
    if (trial.value)
        standing.values.push_back(*trial.value);
    else
        ++standing.stuck;
}

// One run that counts, or the reason why there is none.
void play_once(League& league, Standing& standing, const Configuration& configuration, const LeagueRules& rules,
               const RunTrial& run)
{
    for (unsigned attempt = 0; attempt <= rules.repeats; ++attempt) {
        const auto trial = run(configuration);
        if (trial && trial->disturbed.empty()) return note(standing, league, *trial);
        standing.trouble = trial ? trial->disturbed : trial.error().what;
        if (attempt < rules.repeats) ++standing.repeated;
    }
}

const Standing* standing_of(const League& league, const std::string& name)
{
    const auto found = std::ranges::find(league.standings, name, &Standing::configuration);
    return found == league.standings.end() ? nullptr : &*found;
}

// Of a ratio that is better when it is small, the ratio that is better when it is large.
Interval inverted(const Interval& ratio)
{
    const double infinity = std::numeric_limits<double>::infinity();
    return {std::isinf(ratio.high) ? -infinity : 1 / ratio.high, 1 / ratio.estimate,
            std::isinf(ratio.low) ? infinity : 1 / ratio.low};
}

// Where one of them lets nothing through there is no ratio, but there is an answer.
Outcome outcome_of_stuck(const Standing& baseline, const Standing& candidate)
{
    if (baseline.values.empty() && baseline.stuck > 0 && candidate.stuck == 0 && !candidate.values.empty())
        return Outcome::Better;
    if (candidate.values.empty() && candidate.stuck > 0 && baseline.stuck == 0 && !baseline.values.empty())
        return Outcome::Worse;
    if (baseline.values.empty() && candidate.values.empty() && baseline.stuck > 0 && candidate.stuck > 0)
        return Outcome::NoDifference;
    return Outcome::NotEnoughData;
}

} // namespace

League play(const std::string& scenario, const std::vector<Configuration>& configurations, const LeagueRules& rules,
            const RunTrial& run, std::mt19937_64& random)
{
    League league{scenario, {}, {}};
    for (const Configuration& configuration : configurations)
        league.standings.push_back({configuration.name, {}, 0, 0, "", {}, ""});
    std::vector<std::size_t> order(configurations.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (unsigned round = 0; round < rules.rounds; ++round) {
        std::ranges::shuffle(order, random);
        for (const std::size_t i : order)
            play_once(league, league.standings[i], configurations[i], rules, run);
    }
    for (Standing& standing : league.standings)
        if (standing.values.size() + standing.stuck == rules.rounds) standing.trouble.clear();
    return league;
}

Gain gain(const Metric& metric, const Standing& baseline, const Standing& candidate, double level)
{
    Gain gain;
    if (baseline.stuck > 0 || candidate.stuck > 0) {
        gain.outcome = outcome_of_stuck(baseline, candidate);
        return gain;
    }
    if (baseline.values.empty() || candidate.values.empty()) return gain;
    const measure::Yardstick yardstick{std::string(metric.name), metric.better, Scale::Ratio, metric.margin, level};
    const Verdict verdict = measure::judge(yardstick, baseline.values, candidate.values);
    gain.outcome = verdict.outcome;
    gain.ratio = {1 + verdict.effect.low, 1 + verdict.effect.estimate, 1 + verdict.effect.high};
    if (metric.better == Direction::Lower) gain.ratio = inverted(gain.ratio);
    return gain;
}

std::vector<std::string> misses(const League& league, const std::string& name, bool defaults_hurt, double level)
{
    std::vector<std::string> found;
    const Standing* const own = standing_of(league, name);
    if (!own || league.standings.empty()) return {name + " did not run"};
    if (own->values.empty() && own->stuck == 0) return {"no run counted"};
    const Standing& defaults = league.standings.front();
    for (const Standing& other : league.standings) {
        if (&other == own) continue;
        const Gain against = gain(league.metric, other, *own, level);
        if (against.outcome == Outcome::Worse)
            found.push_back(fmt::format("{} {}", &other == &defaults ? "worse than" : "behind", other.configuration));
    }
    const Gain over = gain(league.metric, defaults, *own, level);
    const bool unstuck = over.outcome == Outcome::Better && over.ratio.estimate == 0;
    if (defaults_hurt && !unstuck && over.ratio.estimate < expected_gain)
        found.push_back(fmt::format("less than {} times the defaults", expected_gain));
    return found;
}

} // namespace netwright::outcome
