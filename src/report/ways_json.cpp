// SPDX-License-Identifier: GPL-2.0-or-later
// The ways as JSON.
#include "report/ways_report.h"

#include <nlohmann/json.hpp>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json;

Json json(const WaySetting& setting)
{
    return {{"kernel", setting.kernel},
            {"devices", "veth"},
            {"generator", setting.live_frames ? "live-frames" : "socket"},
            {"seconds", setting.duration},
            {"cpus",
             {{"generator", setting.places.generator},
              {"receiver", setting.places.receiver},
              {"beneath", setting.places.beneath},
              {"program", setting.places.program}}}};
}

Json json(const WayRow& row)
{
    Json runs = Json::array();
    for (const WayRun& run : row.figures.runs)
        runs.push_back({{"sent", run.sent},
                        {"came", run.came},
                        {"handled", run.handled},
                        {"seconds", run.seconds},
                        {"cpu_seconds", run.cpu_seconds}});
    Json all{{"way", word_of(row.figures.way)}, {"task", to_text(row.figures.task)}};
    if (row.figures.runs.empty()) {
        all["absent"] = row.figures.absent;
        return all;
    }
    all["rate"] = {{"median", row.rate}, {"lowest", row.lowest}, {"highest", row.highest}};
    all["cpu_seconds_per_million"] = row.cpu;
    all["lost"] = row.lost;
    all["rate_to_stack"] = row.rate_ratio ? Json(*row.rate_ratio) : Json();
    all["cpu_to_stack"] = row.cpu_ratio ? Json(*row.cpu_ratio) : Json();
    all["runs"] = std::move(runs);
    return all;
}

} // namespace

std::string ways_json(const WaysPage& page)
{
    Json rows = Json::array(), costs = Json::object(), choices = Json::array();
    for (const WayRow& row : page.rows)
        rows.push_back(json(row));
    for (const WayCost& cost : page.costs)
        costs[std::string(word_of(cost.way))] = cost.taken;
    for (const WayChoice& choice : page.choices)
        choices.push_back({{"task", to_text(choice.task)},
                           {"way", choice.way ? Json(word_of(*choice.way)) : Json()},
                           {"reason", choice.reason}});
    const Json whole{{"schema", 1},
                     {"setting", json(page.setting)},
                     {"wanted", page.wanted ? Json(*page.wanted) : Json()},
                     {"ways", std::move(rows)},
                     {"takes_away", std::move(costs)},
                     {"recommended", std::move(choices)}};
    return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace netwright::report
