// SPDX-License-Identifier: GPL-2.0-or-later
// Two configurations measured in turn. Who switches them is the caller's business; here is the order, drawn by lot for
// each pair, when to stop, and the verdict.
#pragma once

#include "measure/verdict.h"
#include "model/measurement.h"

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace netwright::measure {

enum class Arm { Baseline, Candidate };

// What the candidate must keep to, at every run: "latency-p99 < 2ms", "retransmits < 1%", "latency-p99 < 3x".
struct Guardrail {
    std::string metric;
    Direction good = Direction::Lower; // "<" or ">"
    double limit = 0;                  // in the metric's unit; relative: times the baseline's median
    bool relative = false;
    std::string text; // as it was given
};
Result<Guardrail> parse_guardrail(std::string_view text); // Rejected: no such metric, or no such form

struct ExperimentRules {
    std::size_t most_pairs = 20;
    double level = 0.05;
    std::vector<Guardrail> guardrails;
    std::vector<std::string> metrics; // that decide when to stop; empty: those that are principal
};

struct ExperimentResult {
    std::vector<Verdict> verdicts;      // of every metric that both arms told
    std::vector<std::string> principal; // the metrics that decided
    std::size_t pairs = 0;
    bool decided = false;              // every principal metric has its verdict
    std::optional<std::string> broken; // the guardrail that ended it
    // Better in at least one principal metric, and worse in none.
    bool helps() const;
};

using MeasureArm = std::function<Result<Measurement>(Arm)>;
using AfterPair = std::function<void(const ExperimentResult& so_far)>;

// Measures pairs until all principal metrics are decided, a guardrail breaks or there are enough. An error of
// `measure` ends it: the caller puts everything back.
Result<ExperimentResult> run_experiment(const ExperimentRules& rules, const MeasureArm& measure,
                                        std::mt19937_64& random, const AfterPair& after_pair = {});

} // namespace netwright::measure
