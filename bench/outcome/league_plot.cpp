// SPDX-License-Identifier: GPL-2.0-or-later
// Outcomes drawn: a line a configuration, how many times as good as the defaults it is, with its interval.
#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "outcome/league_report.h"

namespace netwright::outcome {
namespace {

constexpr double width = 900, line_height = 26, top = 12, bottom = 34, left = 210, right = 120;

// Gains along a logarithmic axis: twice as good and half as good are equally far from 1.
class Axis {
public:
    explicit Axis(const std::vector<Gain>& gains)
    {
        for (const Gain& one : gains)
            for (const double value : {one.ratio.low, one.ratio.estimate, one.ratio.high})
                if (std::isfinite(value) && value > 0) {
                    least_ = std::min(least_, std::log(value));
                    most_ = std::max(most_, std::log(value));
                }
        const double space = 0.05 * (most_ - least_);
        least_ -= space;
        most_ += space;
    }
    // Bounds that nobody knows end at the border.
    double x(double gain, double border) const
    {
        if (!std::isfinite(gain) || gain <= 0) return border;
        return left + (width - left - right) * (std::log(gain) - least_) / (most_ - least_);
    }
    // 1, 2, 5, 10, 20 … and their inverses, as far as they are on the axis; 1 is always.
    std::vector<double> ticks() const
    {
        std::vector<double> found;
        for (double decade = 1e-3; decade < 1e6; decade *= 10)
            for (const double step : {1.0, 2.0, 5.0})
                if (const double value = std::log(decade * step); value >= least_ && value <= most_)
                    found.push_back(decade * step);
        return found;
    }

private:
    double least_ = std::log(0.8), most_ = std::log(1.25);
};

std::string_view class_of(const Gain& gain)
{
    return gain.outcome == Outcome::Better ? "better" : gain.outcome == Outcome::Worse ? "worse" : "open";
}

std::string line_drawn(const Axis& axis, const Standing& standing, const Gain& gain, double y)
{
    std::string drawn =
        fmt::format("<text x='0' y='{:.1f}'>{}</text>", y + 4, report::html_escaped(standing.configuration));
    if (gain.ratio.estimate <= 0) // where nothing comes through with the defaults there is no ratio
        return drawn + fmt::format("<text x='{}' y='{:.1f}'>no ratio, {}</text>", width - right + 10, y + 4,
                                   to_text(gain.outcome));
    return drawn + fmt::format("<line class='{0}' x1='{1:.1f}' y1='{2:.1f}' x2='{3:.1f}' y2='{2:.1f}'/>"
                               "<circle class='{0}' cx='{4:.1f}' cy='{2:.1f}' r='5'/>"
                               "<text x='{5:.1f}' y='{6:.1f}'>{7:.3g} x, {8}</text>",
                               class_of(gain), axis.x(gain.ratio.low, left), y, axis.x(gain.ratio.high, width - right),
                               axis.x(gain.ratio.estimate, left), width - right + 10, y + 4, gain.ratio.estimate,
                               to_text(gain.outcome));
}

std::string scenario_drawn(const Played& played, double level)
{
    const std::vector<Standing>& standings = played.league.standings;
    std::vector<Gain> gains;
    for (const Standing& standing : standings)
        gains.push_back(gain(played.league.metric, standings.front(), standing, level));
    const Axis axis(gains);
    const double height = top + line_height * static_cast<double>(standings.size() - 1) + bottom;
    std::string drawn;
    for (const double tick : axis.ticks())
        drawn += fmt::format("<line class='{0}' x1='{1:.1f}' y1='0' x2='{1:.1f}' y2='{2:.1f}'/>"
                             "<text class='tick' x='{1:.1f}' y='{3:.1f}'>{4:g}</text>",
                             tick == 1 ? "one" : "grid", axis.x(tick, left), height - bottom + 8, height - bottom + 24,
                             tick);
    for (std::size_t i = 1; i < standings.size(); ++i)
        drawn += line_drawn(axis, standings[i], gains[i], top + line_height * (static_cast<double>(i) - 0.5));
    const auto found = misses(played.league, played.plan.name, played.scenario.defaults_hurt, level);
    return fmt::format(
        "<h2>{}</h2><p>{} ({}). {} counts; the defaults are {}. Target {}.</p>"
        "<svg viewBox='0 0 {} {:.0f}' role='img'>{}</svg>",
        report::html_escaped(played.scenario.name), report::html_escaped(played.scenario.about),
        report::html_escaped(lab::to_text(played.scenario.path)), report::html_escaped(played.scenario.metric),
        played.scenario.defaults_hurt ? "the bottleneck" : "right",
        found.empty() ? "met" : "missed: " + report::html_escaped(fmt::format("{}", fmt::join(found, "; "))), width,
        height, drawn);
}

} // namespace

std::string outcome_html(const std::vector<Played>& played, const LeagueRules& rules, const std::string& kernel)
{
    std::string body;
    for (const Played& one : played)
        body += scenario_drawn(one, rules.level);
    return fmt::format(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>netwright: outcomes</title><style>"
        "body{{font:15px/1.5 system-ui,sans-serif;max-width:940px;margin:2em auto;padding:0 1em}}svg{{width:100%}}"
        "text{{font-size:13px;fill:#333}}.tick{{fill:#777;text-anchor:middle}}.grid{{stroke:#ddd}}"
        ".one{{stroke:#555;stroke-dasharray:4 3}}line.better,line.worse,line.open{{stroke-width:3}}"
        ".better{{stroke:#283;fill:#283}}.worse{{stroke:#b32;fill:#b32}}.open{{stroke:#888;fill:#888}}</style>"
        "<h1>Times as good as the kernel's defaults</h1><p>Linux {}; {} runs of each configuration in each scenario; "
        "intervals of {:.4g} %, each by itself. Right of 1 is better, whichever way the metric counts.</p>{}</html>\n",
        report::html_escaped(kernel), rules.rounds, 100 * (1 - rules.level), body);
}

} // namespace netwright::outcome
