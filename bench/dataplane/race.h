// SPDX-License-Identifier: GPL-2.0-or-later
// Programs that do the same work, timed in turns, and how the first compares with the others.
#pragma once

#include "base/error.h"

#include <functional>
#include <string>
#include <vector>

namespace netwright::dataplane_bench {

struct Entrant {
    std::string name;
    std::function<Result<double>()> once = nullptr; // nanoseconds a packet; nothing: `trouble` says why it is not here
    std::string trouble = "";
    // For a peer that is not here: its figure on another machine, and what feeding alone cost there.
    double elsewhere = 0, floor_elsewhere = 0;
};

struct Goal {
    std::string number; // of ours beside the entrant: "G1"
    double most = 0;    // the ratio of times that is aimed at
};

struct Row {
    std::string number, peer;
    double ours = 0, theirs = 0;            // medians
    double ratio = 0, lower = 0, upper = 0; // the median of the rounds' ratios, and their quartiles
    double most = 0;
    bool scaled = false; // beside a figure of another machine, each over its machine's floor
    std::string trouble; // why there is no figure
};

struct Race {
    std::string title;
    Entrant ours;
    std::vector<std::pair<Entrant, Goal>> peers;
};

struct Pace {
    unsigned rounds = 9;
    std::function<Result<double>()> floor; // what feeding alone costs
};

// One row for each peer. In every round all run once, beginning with another; a round's ratio is of that round alone.
std::vector<Row> run_race(const Race& race, const Pace& pace);

// "met" where three of four rounds are below the goal, "missed" where three of four are above it, else "near".
std::string judge(const Row& row);
std::string text_of(const std::string& title, const std::vector<Row>& rows);

} // namespace netwright::dataplane_bench
