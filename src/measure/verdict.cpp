// SPDX-License-Identifier: GPL-2.0-or-later
// Verdicts: ratios are compared by their logarithms, for which half and double are equally far from one.
#include "measure/verdict.h"

#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace netwright::measure {
namespace {

// The value on the scale on which differences are taken. Nothing: it has no ratio to anything.
std::optional<double> scaled(double value, Scale scale)
{
    if (!std::isfinite(value)) return std::nullopt;
    if (scale == Scale::Difference) return value;
    if (value <= 0) return std::nullopt;
    return std::log(value);
}

std::vector<double> scaled(std::span<const double> values, Scale scale)
{
    std::vector<double> kept;
    for (const double value : values)
        if (const auto one = scaled(value, scale)) kept.push_back(*one);
    return kept;
}

Interval unscaled(Interval interval, Scale scale)
{
    if (scale == Scale::Difference) return interval;
    const bool bounded = std::isfinite(interval.low); // expm1(-inf) is -1, which would read as a bound
    return {bounded ? std::expm1(interval.low) : interval.low, std::expm1(interval.estimate),
            std::expm1(interval.high)};
}

Outcome outcome_of(const Interval& effect, bool differs, const Yardstick& yardstick)
{
    if (effect.within(yardstick.margin)) return Outcome::NoDifference;
    if (!differs) return Outcome::NotEnoughData;
    return (effect.estimate > 0) == (yardstick.better == Direction::Higher) ? Outcome::Better : Outcome::Worse;
}

Verdict verdict_of(const Yardstick& yardstick, const Interval& interval, std::size_t values, bool differs)
{
    Verdict verdict{yardstick.metric, Outcome::NotEnoughData, yardstick.scale, unscaled(interval, yardstick.scale),
                    values,           yardstick.level};
    if (values > 0) verdict.outcome = outcome_of(verdict.effect, differs, yardstick);
    return verdict;
}

} // namespace

Verdict judge(const Yardstick& yardstick, std::span<const Pair> pairs)
{
    std::vector<double> differences;
    for (const Pair& pair : pairs) {
        const auto baseline = scaled(pair.baseline, yardstick.scale);
        const auto candidate = scaled(pair.candidate, yardstick.scale);
        if (baseline && candidate) differences.push_back(*candidate - *baseline);
    }
    const bool differs = evidence(differences) >= 1 / yardstick.level;
    return verdict_of(yardstick, paired_interval(differences, yardstick.level), differences.size(), differs);
}

Verdict judge(const Yardstick& yardstick, std::span<const double> before, std::span<const double> after)
{
    const auto then = scaled(before, yardstick.scale);
    const auto now = scaled(after, yardstick.scale);
    const Interval interval = unpaired_interval(then, now, yardstick.level);
    return verdict_of(yardstick, interval, std::min(then.size(), now.size()), !interval.contains(0));
}

} // namespace netwright::measure
