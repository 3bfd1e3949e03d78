// SPDX-License-Identifier: GPL-2.0-or-later
// From values of two configurations to a verdict.
#pragma once

#include "model/verdict.h"

#include <span>
#include <string>
#include <vector>

namespace netwright::measure {

struct Pair {
    double baseline = 0, candidate = 0; // measured one after the other, in an order drawn by lot
};

// How one metric is judged.
struct Yardstick {
    std::string metric;
    Direction better = Direction::Higher;
    Scale scale = Scale::Ratio; // Ratio: both values must be above 0, or the pair tells nothing
    double margin = 0.02;       // differences up to this do not matter: 2 %, or 0.02 of the metric's unit
    double level = 0.05;
};

// May be asked after every pair; its promise holds however often (statistics.h).
// Better, Worse: a difference is shown, and not all of its interval lies within the margin.
// NoDifference: the whole interval lies within the margin. NotEnoughData: neither is shown.
Verdict judge(const Yardstick& yardstick, std::span<const Pair> pairs);

// Two independent sets of results, as of a baseline and of today. To be asked once.
Verdict judge(const Yardstick& yardstick, std::span<const double> before, std::span<const double> after);

} // namespace netwright::measure
