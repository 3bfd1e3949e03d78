// SPDX-License-Identifier: GPL-2.0-or-later
// Searches on a terminal.
#include "base/median.h"
#include "report/measurement_report.h"
#include "report/search_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace netwright::report {
namespace {

constexpr std::size_t bar_width = 24;

std::string effect_of(const SearchStory& story, const SearchRace& race)
{
    const Verdict verdict{story.record.goal.metric, Outcome::NotEnoughData,
                          story.record.goal.scale,  race.effect,
                          race.gains.size(),        race.level};
    return effect_text(verdict);
}

// From 0 to the best of all races: the challenger's bar, the holder's place marked in it.
std::string bar(double holder, double challenger, double most, SearchRace::End end)
{
    if (!(most > 0)) return "";
    const auto column = [&](double value) {
        const double place = std::clamp(value / most, 0.0, 1.0) * (bar_width - 1);
        return static_cast<std::size_t>(std::lround(place));
    };
    const std::size_t mark = column(holder), tip = column(challenger);
    std::string drawn;
    for (std::size_t i = 0; i < bar_width; ++i) {
        if (i == tip)
            drawn += end == SearchRace::End::Won ? "●" : end == SearchRace::End::Lost ? "○" : "◌";
        else if (i == mark)
            drawn += "┃";
        else
            drawn += i < tip ? "━" : " ";
    }
    return drawn;
}

Tone tone_of(const SearchRace& race)
{
    if (race.end == SearchRace::End::Open) return Tone::Dim;
    return race.end == SearchRace::End::Won ? Tone::Green : Tone::Plain;
}

std::string race_text(const SearchStory& story, std::size_t number, double most, const Style& style)
{
    const SearchRace& race = story.races[number];
    const RaceMedians medians = medians_of(story, number);
    const std::string head =
        fmt::format("{:>3} {:<7} {} {:>11} {:<4} {}:{}", number + 1, to_text(race.stage),
                    bar(medians.holder, medians.challenger, most, race.end),
                    medians.challenger > 0 ? metric_text(story.record.goal.unit, medians.challenger) : "-",
                    to_text(race.end), race.wins, race.losses);
    std::string detail = point_text(story.record.dimensions, race.challenger);
    if (race.stage == SearchStage::Prove) detail = effect_of(story, race) + ": " + detail;
    if (!race.why.empty()) detail += "; " + race.why;
    return paint(head, tone_of(race), style) + '\n' + hanging("", printable(detail), 12, style, Tone::Plain, Tone::Dim);
}

std::string legend()
{
    return fmt::format("{:>3} {:<7} {} {:>11} {}\n", "", "", "┃ holder  ● won  ○ lost  ", "challenger", "pairs");
}

} // namespace

RaceMedians medians_of(const SearchStory& story, std::size_t race)
{
    const std::vector<SearchPair>& trail = story.record.trail;
    const std::size_t last = race + 1 < story.races.size() ? story.races[race + 1].first : trail.size();
    std::vector<double> holder, challenger;
    RaceMedians medians;
    for (std::size_t i = story.races[race].first; i < std::min(last, trail.size()); ++i, ++medians.pairs) {
        if (trail[i].of_holder.trouble.empty()) holder.push_back(trail[i].of_holder.goal);
        if (trail[i].of_challenger.trouble.empty()) challenger.push_back(trail[i].of_challenger.goal);
    }
    medians.holder = median(std::move(holder));
    medians.challenger = median(std::move(challenger));
    return medians;
}

std::vector<std::string> proofs_text(const SearchStory& story)
{
    std::vector<std::string> proofs;
    for (std::size_t i = 0; i < story.races.size(); ++i) {
        const SearchRace& race = story.races[i];
        if (race.stage != SearchStage::Prove || race.end != SearchRace::End::Won) continue;
        const RaceMedians medians = medians_of(story, i);
        const std::string_view unit = story.record.goal.unit;
        proofs.push_back(fmt::format("{} {} as good in {}, from {} to {} (medians), at level {:.3g}",
                                     story.record.goal.metric, effect_of(story, race),
                                     counted(race.gains.size(), "pair"), metric_text(unit, medians.holder),
                                     metric_text(unit, medians.challenger), race.level));
    }
    return proofs;
}

std::string search_conclusion(const SearchStory& story)
{
    const auto& dimensions = story.record.dimensions;
    const auto proofs = proofs_text(story);
    std::string text = proofs.empty() ? "nothing was shown to be better than the host as it is"
                                      : fmt::format("proven: {}", point_text(dimensions, story.proven));
    for (const std::string& proof : proofs)
        text += "; " + proof;
    if (story.leader != story.proven)
        text += fmt::format("; not proven before the budget ended: {}", point_text(dimensions, story.leader));
    else if (!story.exhausted)
        text += "; the budget ended before everything near it was tried";
    return text;
}

std::string search_text(const SearchStory& story, const Style& style)
{
    const SearchRecord& record = story.record;
    std::string text =
        paint(fmt::format("{} {}", record.goal.better == Direction::Higher ? "max" : "min", record.goal.metric),
              Tone::Bold, style) +
        fmt::format("  {}, {} of {:.0f} s of measuring\n", counted(record.trail.size(), "pair"),
                    fmt::format("{:.0f}", story.spent_s), record.budget_s);
    text += hanging("  where", printable(record.place), 10, style);
    text += hanging("  traffic", printable(record.traffic), 10, style);
    for (const std::string& guard : record.guards)
        text += hanging("  guard", printable(guard), 10, style);
    for (const Dimension& dimension : record.dimensions)
        text += hanging("  over",
                        fmt::format("{}: {} values from {} to {}", to_text(dimension.tunable), dimension.levels.size(),
                                    to_text(dimension.levels.front()), to_text(dimension.levels.back())),
                        10, style);
    double most = 0;
    for (std::size_t i = 0; i < story.races.size(); ++i) {
        const RaceMedians medians = medians_of(story, i);
        most = std::max({most, medians.holder, medians.challenger});
    }
    text += '\n' + legend();
    for (std::size_t i = 0; i < story.races.size(); ++i)
        text += race_text(story, i, most, style);
    return text + '\n' + hanging("", search_conclusion(story) + ".", 0, style, Tone::Plain, Tone::Bold);
}

} // namespace netwright::report
