// SPDX-License-Identifier: GPL-2.0-or-later
// Verdicts in words.
#include "model/verdict.h"

#include <fmt/format.h>

#include <cmath>

namespace netwright {
namespace {

std::string number(double value, Scale scale)
{
    if (!std::isfinite(value)) return "?";
    return scale == Scale::Ratio ? fmt::format("{:.3g}", 1 + value) : fmt::format("{:+.3g}", value);
}

} // namespace

std::string_view to_text(Outcome outcome)
{
    switch (outcome) {
    case Outcome::Better:
        return "better";
    case Outcome::Worse:
        return "worse";
    case Outcome::NoDifference:
        return "no difference";
    case Outcome::NotEnoughData:
        return "not enough data";
    }
    return "";
}

std::string effect_text(const Verdict& verdict)
{
    return fmt::format("{}{} ({} to {})", number(verdict.effect.estimate, verdict.scale),
                       verdict.scale == Scale::Ratio ? " x" : "", number(verdict.effect.low, verdict.scale),
                       number(verdict.effect.high, verdict.scale));
}

} // namespace netwright
