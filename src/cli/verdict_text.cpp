// SPDX-License-Identifier: GPL-2.0-or-later
// Verdicts for people and programs.
#include "cli/verdict_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace netwright::cli {
namespace {

nlohmann::ordered_json finite(double value)
{
    if (std::isfinite(value)) return value;
    return nullptr;
}

} // namespace

std::string verdict_table(std::span<const Verdict> verdicts, const std::vector<std::string>& principal,
                          const report::Style& style)
{
    const auto decides = [&](const Verdict& verdict) {
        return std::ranges::find(principal, verdict.metric) != principal.end();
    };
    std::vector<std::vector<std::string>> rows{{"metric", "verdict", "effect and what it may be", "pairs"}};
    for (const bool wanted : {true, false})
        for (const Verdict& verdict : verdicts) {
            if (decides(verdict) != wanted) continue;
            const bool ratio = verdict.scale == Scale::Ratio;
            rows.push_back({verdict.metric + (wanted ? " *" : ""), std::string(to_text(verdict.outcome)),
                            effect_text(verdict) + (ratio ? "" : " points"), std::to_string(verdict.values)});
        }
    return report::table(rows, style);
}

std::string verdicts_json(std::span<const Verdict> verdicts)
{
    auto all = nlohmann::ordered_json::array();
    for (const Verdict& verdict : verdicts) {
        const char* const scale = verdict.scale == Scale::Ratio ? "ratio-1" : "difference";
        all.push_back({{"metric", verdict.metric},
                       {"outcome", to_text(verdict.outcome)},
                       {"effect",
                        {{"scale", scale},
                         {"low", finite(verdict.effect.low)},
                         {"estimate", finite(verdict.effect.estimate)},
                         {"high", finite(verdict.effect.high)}}},
                       {"values", verdict.values},
                       {"level", verdict.level}});
    }
    return all.dump(1);
}

} // namespace netwright::cli
