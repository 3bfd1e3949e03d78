// SPDX-License-Identifier: GPL-2.0-or-later
// The outcome table, the same as JSON, and drawn.
#pragma once

#include "report/terminal.h"

#include "outcome/league.h"

namespace netwright::outcome {

// A scenario that was played: what was asked, what came out.
struct Played {
    Scenario scenario;
    Configuration plan; // netwright's
    League league;
};

// One table a scenario; below it what netwright planned and where it misses the targets.
std::string outcome_text(const Played& played, double level, const report::Style& style);
// {"schema": 1, "kernel", "rounds", "level", "scenarios": [{"name", "path", "metric", "unit", "plan", "misses",
// "configurations": [{"name", "values", "stuck", "repeated", "gain": {"low", "estimate", "high"}, "outcome"}]}]}
std::string outcome_json(const std::vector<Played>& played, const LeagueRules& rules, const std::string& kernel);
// A page of its own.
std::string outcome_html(const std::vector<Played>& played, const LeagueRules& rules, const std::string& kernel);

} // namespace netwright::outcome
