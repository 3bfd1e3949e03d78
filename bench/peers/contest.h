// SPDX-License-Identifier: GPL-2.0-or-later
// Figures of many runs, and netwright's beside the others'. Pure.
#pragma once

#include "model/verdict.h"

#include <string>
#include <vector>

#include "peers/peer.h"

namespace netwright::peers {

struct Contestant {
    std::string name;
    std::vector<Figures> runs;
    std::string trouble; // why runs are missing; "": none is
};

struct ContestRow {
    std::string contestant;
    double median = 0;
    std::size_t runs = 0;
    Verdict verdict; // netwright's figure against this one: the effect is ours / theirs - 1
};

// The first contestant is netwright. One row for each that told this metric, in their order.
std::vector<ContestRow> compare(const std::vector<Contestant>& contestants, std::string_view metric, double level);

// The tables of one kind of work: medians, ratios with intervals, and who could not take part and why.
std::string contest_text(const Work& work, const std::vector<Contestant>& contestants,
                         const std::vector<std::string>& missing, double level);

} // namespace netwright::peers
