// SPDX-License-Identifier: GPL-2.0-or-later
// What configurations came to in one scenario, compared. Pure: who runs them is the caller.
#pragma once

#include "model/measurement.h"
#include "model/verdict.h"

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "outcome/trial.h"

namespace netwright::outcome {

// All runs of one configuration in one scenario.
struct Standing {
    std::string configuration;
    std::vector<double> values; // of runs that counted and let something through
    unsigned stuck = 0;         // runs that counted, and nothing came through
    unsigned repeated = 0;      // runs that did not count
    std::string trouble;        // why runs are missing; "": none is
    std::vector<std::string> left_out;
    std::string congestion; // asked for by socket option
};

struct League {
    std::string scenario;
    Metric metric;                   // name, unit, direction
    std::vector<Standing> standings; // the first one: the defaults
};

struct LeagueRules {
    unsigned rounds = 6;  // runs of each configuration; every round has its own order, drawn by lot
    unsigned repeats = 2; // of a run that does not count
    double level = 0.05;
};

using RunTrial = std::function<Result<Trial>(const Configuration&)>;

// Runs every configuration in each round. A run that fails is told and missing; where all fail the comparison says so.
League play(const std::string& scenario, const std::vector<Configuration>& configurations, const LeagueRules& rules,
            const RunTrial& run, std::mt19937_64& random);

// How many times as good as the defaults: above 1 is better, whichever way the metric counts.
struct Gain {
    Interval ratio; // unbounded: too few runs
    Outcome outcome = Outcome::NotEnoughData;
};
// Exact rank test of two independent samples, asked once (measure/verdict.h).
Gain gain(const Metric& metric, const Standing& baseline, const Standing& candidate, double level);

// Where `name` misses the targets: worse than the defaults, behind another configuration, or less than half as much
// again where the defaults hurt. Empty: it meets them.
std::vector<std::string> misses(const League& league, const std::string& name, bool defaults_hurt, double level);

} // namespace netwright::outcome
