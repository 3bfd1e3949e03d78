// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a rate has become steady: the last half second is within 10 % of the one before.
#pragma once

#include "base/median.h"

#include <vector>

namespace netwright::measure {

class Steadiness {
public:
    static constexpr std::size_t window = 5; // ticks
    void add(double rate) { rates_.push_back(rate); }
    bool reached() const
    {
        if (rates_.size() < 2 * window) return false;
        const auto last = median({rates_.end() - window, rates_.end()});
        const auto before = median({rates_.end() - 2 * window, rates_.end() - window});
        return last > 0 && last <= before * 1.1 && last >= before * 0.9;
    }

private:
    std::vector<double> rates_;
};

} // namespace netwright::measure
