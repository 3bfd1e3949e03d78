// SPDX-License-Identifier: GPL-2.0-or-later
// Outcomes for people and for programs.
#include "outcome/league_report.h"

#include "base/median.h"
#include "report/measurement_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace netwright::outcome {
namespace {

using Json = nlohmann::ordered_json;

std::string bound_text(double value) { return std::isfinite(value) ? fmt::format("{:.3g}", value) : "?"; }

std::string gain_text(const Gain& gain)
{
    if (gain.ratio.estimate == 0) return "-";
    return fmt::format("{:.3g} x ({} to {})", gain.ratio.estimate, bound_text(gain.ratio.low),
                       bound_text(gain.ratio.high));
}

std::string median_text(const Metric& metric, const Standing& standing)
{
    if (!standing.values.empty()) return report::metric_text(metric.unit, median(standing.values));
    return standing.stuck > 0 ? "stuck" : "no run counted";
}

std::string remark_text(const Standing& standing)
{
    std::vector<std::string> remarks;
    if (standing.stuck > 0 && !standing.values.empty())
        remarks.push_back(
            fmt::format("stuck in {} of {} runs", standing.stuck, standing.stuck + standing.values.size()));
    if (standing.repeated > 0) remarks.push_back(fmt::format("{} repeated", report::counted(standing.repeated, "run")));
    if (!standing.trouble.empty()) remarks.push_back("runs are missing: " + standing.trouble);
    if (!standing.congestion.empty())
        remarks.push_back(fmt::format("{} by socket option, since no namespace may default to it on this kernel",
                                      standing.congestion));
    if (!standing.left_out.empty())
        remarks.push_back(fmt::format("not in a namespace: {}", fmt::join(standing.left_out, ", ")));
    return fmt::format("{}", fmt::join(remarks, "; "));
}

// What is planned, and at which end where only one of them needs it.
std::vector<std::string> plan_lines(const Configuration& plan)
{
    std::vector<std::string> lines;
    const auto line_of = [](const Change& change) {
        return fmt::format("{} = {}", to_text(change.tunable), change.to ? to_text(*change.to) : "nothing");
    };
    const auto has = [&](const std::vector<Change>& changes, const std::string& line) {
        return std::ranges::any_of(changes, [&](const Change& change) { return line_of(change) == line; });
    };
    for (const Change& change : plan.left) {
        const std::string line = line_of(change);
        lines.push_back(line + (has(plan.right, line) ? "" : " (client)"));
    }
    for (const Change& change : plan.right)
        if (const std::string line = line_of(change); !has(plan.left, line)) lines.push_back(line + " (server)");
    return lines;
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json standing_json(const League& league, const Standing& standing, double level)
{
    const Gain over = gain(league.metric, league.standings.front(), standing, level);
    Json json{{"name", standing.configuration},
              {"values", standing.values},
              {"stuck", standing.stuck},
              {"repeated", standing.repeated},
              {"left_out", standing.left_out},
              {"trouble", standing.trouble},
              {"congestion_by_socket", standing.congestion}};
    json["gain"] = over.ratio.estimate == 0 ? Json(nullptr)
                                            : Json{{"low", number_or_null(over.ratio.low)},
                                                   {"estimate", over.ratio.estimate},
                                                   {"high", number_or_null(over.ratio.high)}};
    json["outcome"] = to_text(over.outcome);
    return json;
}

} // namespace

std::string outcome_text(const Played& played, double level, const report::Style& style)
{
    const League& league = played.league;
    std::vector<std::vector<std::string>> rows{{"configuration", "median", "times as good", ""}};
    std::string remarks;
    for (const Standing& standing : league.standings) {
        if (const std::string remark = remark_text(standing); !remark.empty())
            remarks += report::hanging("", standing.configuration + ": " + remark, 2, style);
        const bool first = &standing == &league.standings.front();
        const Gain over = gain(league.metric, league.standings.front(), standing, level);
        rows.push_back({standing.configuration, median_text(league.metric, standing), first ? "1" : gain_text(over),
                        first ? "" : std::string(to_text(over.outcome))});
    }
    const auto found = misses(league, played.plan.name, played.scenario.defaults_hurt, level);
    const auto lines = plan_lines(played.plan);
    return fmt::format(
        "\n{}: {} ({}); {} counts; the defaults are {}\n{}{}{}{}\n", played.scenario.name, played.scenario.about,
        lab::to_text(played.scenario.path), played.scenario.metric,
        played.scenario.defaults_hurt ? "the bottleneck" : "right", report::table(rows, style), remarks,
        report::hanging("planned ", lines.empty() ? "nothing" : fmt::format("{}", fmt::join(lines, "; ")), 8, style),
        found.empty() ? "target  met" : fmt::format("target  MISSED: {}", fmt::join(found, "; ")));
}

std::string outcome_json(const std::vector<Played>& played, const LeagueRules& rules, const std::string& kernel)
{
    Json root{{"schema", 1}, {"kernel", kernel}, {"rounds", rules.rounds}, {"level", rules.level}};
    root["scenarios"] = Json::array();
    for (const Played& one : played) {
        Json scenario{{"name", one.scenario.name},
                      {"about", one.scenario.about},
                      {"path", lab::to_text(one.scenario.path)},
                      {"metric", one.scenario.metric},
                      {"unit", one.league.metric.unit},
                      {"defaults", one.scenario.defaults_hurt ? "hurt" : "right"},
                      {"plan", plan_lines(one.plan)},
                      {"misses", misses(one.league, one.plan.name, one.scenario.defaults_hurt, rules.level)}};
        scenario["configurations"] = Json::array();
        for (const Standing& standing : one.league.standings)
            scenario["configurations"].push_back(standing_json(one.league, standing, rules.level));
        root["scenarios"].push_back(std::move(scenario));
    }
    return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace netwright::outcome
