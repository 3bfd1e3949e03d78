// SPDX-License-Identifier: GPL-2.0-or-later
// What a comparison of two configurations came to, metric by metric, with its uncertainty.
#pragma once

#include "base/error.h"

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace netwright {

enum class Direction { Higher, Lower }; // which way is better
enum class Scale { Ratio, Difference }; // what compares two values: after / before - 1, or after - before

enum class Outcome { Better, Worse, NoDifference, NotEnoughData };
std::string_view to_text(Outcome outcome); // "better", "worse", "no difference", "not enough data"

// An estimate and the values that cannot be excluded. Infinite ends: there is too little data to tell.
struct Interval {
    double low = -std::numeric_limits<double>::infinity();
    double estimate = 0;
    double high = std::numeric_limits<double>::infinity();
    bool contains(double value) const { return low <= value && value <= high; }
    bool within(double most) const { return low >= -most && high <= most; }
    bool operator==(const Interval&) const = default;
};

struct Verdict {
    std::string metric;
    Outcome outcome = Outcome::NotEnoughData;
    Scale scale = Scale::Ratio;
    Interval effect; // of the candidate on the baseline, on `scale`: 0.5 is half as much again, or 0.5 more
    std::size_t values = 0;
    double level = 0.05; // the chance of calling a difference where there is none is at most this
    bool operator==(const Verdict&) const = default;
};

// "1.82 x (1.79 to 1.85)", "+0.4 (-0.1 to +0.9)"; what is unbounded reads "?".
std::string effect_text(const Verdict& verdict);

} // namespace netwright
