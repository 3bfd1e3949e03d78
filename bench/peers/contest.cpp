// SPDX-License-Identifier: GPL-2.0-or-later
// Medians, ratios and their table.
#include "peers/contest.h"

#include "base/median.h"
#include "measure/statistics.h"
#include "measure/verdict.h"
#include "report/measurement_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::peers {
namespace {

struct MetricWords {
    std::string_view name, unit;
    Direction better;
};
constexpr std::array metric_words{
    MetricWords{"throughput", "bit/s", Direction::Higher},
    MetricWords{"rate", "1/s", Direction::Higher},
    MetricWords{"latency-p50", "us", Direction::Lower},
};

const MetricWords& words_of(std::string_view metric)
{
    const auto found = std::ranges::find(metric_words, metric, &MetricWords::name);
    ENSURE(found != metric_words.end());
    return *found;
}

std::vector<double> values_of(const Contestant& contestant, std::string_view metric)
{
    std::vector<double> values;
    for (const Figures& run : contestant.runs)
        for (const Figure& figure : run)
            if (figure.metric == metric) values.push_back(figure.value);
    return values;
}

} // namespace

std::vector<ContestRow> compare(const std::vector<Contestant>& contestants, std::string_view metric, double level)
{
    std::vector<ContestRow> rows;
    if (contestants.empty()) return rows;
    const auto ours = values_of(contestants.front(), metric);
    const measure::Yardstick yardstick{std::string(metric), words_of(metric).better, Scale::Ratio, 0.02, level};
    for (const Contestant& one : contestants) {
        const auto theirs = values_of(one, metric);
        if (theirs.empty()) continue;
        rows.push_back({one.name, median(theirs), theirs.size(), measure::judge(yardstick, theirs, ours)});
    }
    return rows;
}

std::string contest_text(const Work& work, const std::vector<Contestant>& contestants,
                         const std::vector<std::string>& missing, double level)
{
    std::string text = fmt::format("\n{}\n", to_text(work.traffic.kind));
    for (const std::string_view metric : work.metrics) {
        const MetricWords& words = words_of(metric);
        text += fmt::format("  {} ({} is better)\n", metric, words.better == Direction::Lower ? "lower" : "higher");
        for (const ContestRow& row : compare(contestants, metric, level)) {
            text += fmt::format("    {:<12}{:>16}", row.contestant, report::metric_text(words.unit, row.median));
            const bool ours = row.contestant == contestants.front().name;
            text += ours ? "\n"
                         : fmt::format("    netwright / {}: {}  {}\n", row.contestant, effect_text(row.verdict),
                                       to_text(row.verdict.outcome));
        }
    }
    for (const Contestant& one : contestants)
        if (!one.trouble.empty()) text += fmt::format("  {}: runs are missing: {}\n", one.name, one.trouble);
    for (const std::string& line : missing)
        text += fmt::format("  {}\n", line);
    return text;
}

} // namespace netwright::peers
