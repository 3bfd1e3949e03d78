// SPDX-License-Identifier: GPL-2.0-or-later
// A search as a page of its own: every run as a point, in the order of the pairs, the races as bands behind them.
#include "report/html.h"
#include "report/measurement_report.h"
#include "report/search_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace netwright::report {
namespace {

constexpr double width = 960, height = 360, left = 90, right = 20, top = 20, bottom = 40;

// Where runs stand: pairs along the x axis, the goal's logarithm up the y axis, as effects are ratios.
class Plot {
public:
    explicit Plot(const SearchRecord& record)
        : pairs_(std::max<std::size_t>(1, record.trail.size())), logarithmic_(record.goal.scale == Scale::Ratio)
    {
        bool first = true;
        for (const SearchPair& pair : record.trail)
            for (const SearchRun* run : {&pair.of_holder, &pair.of_challenger}) {
                if (!shows(*run)) continue;
                const double value = placed(run->goal);
                least_ = first ? value : std::min(least_, value);
                most_ = first ? value : std::max(most_, value);
                first = false;
            }
        if (most_ - least_ < 1e-9) most_ = least_ + 1;
    }
    bool shows(const SearchRun& run) const { return run.trouble.empty() && (!logarithmic_ || run.goal > 0); }
    double x(double pair) const { return left + (width - left - right) * pair / static_cast<double>(pairs_); }
    double y(double goal) const
    {
        return top + (height - top - bottom) * (1 - (placed(goal) - least_) / (most_ - least_));
    }
    double value_at(double share) const
    {
        const double value = least_ + (most_ - least_) * share;
        return logarithmic_ ? std::exp(value) : value;
    }

private:
    double placed(double goal) const { return logarithmic_ ? std::log(goal) : goal; }
    std::size_t pairs_;
    bool logarithmic_;
    double least_ = 0, most_ = 1;
};

std::string bands(const SearchStory& story, const Plot& plot)
{
    std::string drawn;
    for (std::size_t i = 0; i < story.races.size(); ++i) {
        const double from = plot.x(static_cast<double>(story.races[i].first));
        const double to = plot.x(static_cast<double>(story.races[i].first + medians_of(story, i).pairs));
        drawn +=
            fmt::format("<rect class='{}' x='{:.1f}' y='{}' width='{:.1f}' height='{}'><title>{}: {}</title>"
                        "</rect>",
                        to_text(story.races[i].stage), from, top, std::max(0.0, to - from - 1), height - top - bottom,
                        i + 1, html_escaped(point_text(story.record.dimensions, story.races[i].challenger)));
    }
    return drawn;
}

std::string dots(const SearchStory& story, const Plot& plot)
{
    std::string drawn;
    std::size_t race = 0;
    for (std::size_t i = 0; i < story.record.trail.size(); ++i) {
        while (race + 1 < story.races.size() && story.races[race + 1].first <= i)
            ++race;
        const SearchPair& pair = story.record.trail[i];
        const double x = plot.x(static_cast<double>(i) + 0.5);
        if (plot.shows(pair.of_holder))
            drawn +=
                fmt::format("<circle class='holder' cx='{:.1f}' cy='{:.1f}' r='3'/>", x, plot.y(pair.of_holder.goal));
        if (plot.shows(pair.of_challenger))
            drawn += fmt::format("<circle class='{}' cx='{:.1f}' cy='{:.1f}' r='4'/>", to_text(story.races[race].end),
                                 x, plot.y(pair.of_challenger.goal));
    }
    return drawn;
}

std::string axes(const SearchStory& story, const Plot& plot)
{
    std::string drawn;
    for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
        const double value = plot.value_at(share);
        drawn += fmt::format("<line x1='{0}' x2='{1}' y1='{2:.1f}' y2='{2:.1f}'/><text x='{3}' y='{2:.1f}' "
                             "text-anchor='end'>{4}</text>",
                             left, width - right, plot.y(value), left - 6, metric_text(story.record.goal.unit, value));
    }
    return drawn + fmt::format("<text x='{}' y='{}'>pairs of runs, 1 to {}</text>", left, height - 12,
                               story.record.trail.size());
}

std::string race_rows(const SearchStory& story)
{
    std::string rows;
    for (std::size_t i = 0; i < story.races.size(); ++i) {
        const SearchRace& race = story.races[i];
        const RaceMedians medians = medians_of(story, i);
        rows +=
            fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}:{}</td><td>{}</td></tr>",
                        i + 1, to_text(race.stage), html_escaped(point_text(story.record.dimensions, race.challenger)),
                        metric_text(story.record.goal.unit, medians.holder),
                        metric_text(story.record.goal.unit, medians.challenger), race.wins, race.losses,
                        html_escaped(race.why.empty() ? "still open" : race.why));
    }
    return rows;
}

} // namespace

std::string search_html(const SearchStory& story)
{
    const SearchRecord& record = story.record;
    const Plot plot(record);
    std::string guards;
    for (const std::string& guard : record.guards)
        guards += "; guard " + html_escaped(guard);
    const std::string title =
        fmt::format("{} {}", record.goal.better == Direction::Higher ? "max" : "min", html_escaped(record.goal.metric));
    return fmt::format(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>netwright autotune: {0}</title><style>"
        "body{{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}}"
        "td,th{{padding:.1em 1em .1em 0;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}}"
        "svg{{width:100%}}svg text{{font-size:12px;fill:#555}}line{{stroke:#ddd}}"
        ".explore{{fill:#f4f6f8}}.trim{{fill:#fdf3dc}}.prove{{fill:#e2f2e4}}"
        ".holder{{fill:#888}}.won{{fill:#2a7}}.lost{{fill:#c52}}.open{{fill:#47a}}</style>"
        "<h1>{0}</h1><p>{1}, Linux {2}; {3}; {4}{5}; {6:.0f} of {7:.0f} s of measuring</p><p><b>{8}.</b></p>"
        "<svg viewBox='0 0 {9} {10}' role='img'>{11}{12}{13}</svg>"
        "<p>Grey: the point that held its place. Green: a challenger that won its race; red: one that lost; blue: "
        "undecided. Bands: exploring (grey), trimming (yellow), proving (green).</p>"
        "<table><tr><th></th><th>stage</th><th>challenger</th><th>holder</th><th>challenger</th><th>pairs</th>"
        "<th>end</th></tr>{14}</table></html>\n",
        title, html_escaped(record.host), html_escaped(record.kernel), html_escaped(record.place),
        html_escaped(record.traffic), guards, story.spent_s, record.budget_s, html_escaped(search_conclusion(story)),
        width, height, bands(story, plot), axes(story, plot), dots(story, plot), race_rows(story));
}

} // namespace netwright::report
