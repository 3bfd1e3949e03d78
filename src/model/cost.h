// SPDX-License-Identifier: GPL-2.0-or-later
// What network work costs and what an improvement is worth, figure by figure, each a range with its formula.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace netwright {

struct Range {
    double least = 0, most = 0;
    bool operator==(const Range&) const = default;
};

struct CostLine {
    std::string name, value, formula;
    std::optional<Range> range; // the numbers in `value`
};

struct CostReport {
    std::vector<CostLine> lines;
    std::vector<std::string> missing; // what else could be told, and what it needs
    std::vector<std::string> remarks; // how far the figures carry
};

} // namespace netwright
