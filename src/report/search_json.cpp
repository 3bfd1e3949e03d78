// SPDX-License-Identifier: GPL-2.0-or-later
// What a search came to, for programs.
#include "report/search_report.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json;

Json bounded(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// The settings of a point: its address and its value.
Json settings(const SearchStory& story, const SearchPoint& point)
{
    Json all = Json::object();
    for (std::size_t i = 0; i < point.size(); ++i) {
        const Dimension& dimension = story.record.dimensions[i];
        all[to_text(dimension.tunable)] = to_text(dimension.levels[point[i]]);
    }
    return all;
}

Json race_json(const SearchStory& story, std::size_t number)
{
    const SearchRace& race = story.races[number];
    const RaceMedians medians = medians_of(story, number);
    Json json{{"stage", to_text(race.stage)},
              {"holder", settings(story, race.holder)},
              {"challenger", settings(story, race.challenger)},
              {"pairs", medians.pairs},
              {"wins", race.wins},
              {"losses", race.losses},
              {"median_of_holder", medians.holder},
              {"median_of_challenger", medians.challenger}};
    json["effect"] = {{"low", bounded(race.effect.low)},
                      {"estimate", bounded(race.effect.estimate)},
                      {"high", bounded(race.effect.high)}};
    if (race.stage == SearchStage::Prove) json["level"] = race.level;
    json["end"] = to_text(race.end);
    json["why"] = race.why;
    return json;
}

} // namespace

std::string search_json(const SearchStory& story)
{
    Json json{{"schema", 1},
              {"goal", story.record.goal.metric},
              {"guards", story.record.guards},
              {"place", story.record.place},
              {"spent_s", story.spent_s},
              {"exhausted", story.exhausted},
              {"now", settings(story, point_now(story.record.dimensions))},
              {"proven", settings(story, story.proven)},
              {"leader", settings(story, story.leader)},
              {"proofs", proofs_text(story)}};
    json["races"] = Json::array();
    for (std::size_t i = 0; i < story.races.size(); ++i)
        json["races"].push_back(race_json(story, i));
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace netwright::report
