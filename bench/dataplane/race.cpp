// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/race.h"

#include "base/median.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::dataplane_bench {
namespace {

double quantile(std::vector<double> values, double share)
{
    if (values.empty()) return 0;
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

// Times by entrant; one that failed once is out, with its reason.
struct Field {
    std::vector<Entrant> entrants;
    std::vector<std::vector<double>> times;

    explicit Field(const Race& race)
    {
        entrants.push_back(race.ours);
        for (const auto& [peer, goal] : race.peers)
            entrants.push_back(peer);
        times.resize(entrants.size());
    }
    void run_one(std::size_t which)
    {
        Entrant& entrant = entrants[which];
        if (!entrant.once) return;
        if (const auto time = entrant.once()) {
            times[which].push_back(*time);
        } else {
            entrant.trouble = time.error().what;
            entrant.once = nullptr;
            times[which].clear();
        }
    }
    void run_round(unsigned round)
    {
        for (std::size_t i = 0; i < entrants.size(); ++i)
            run_one((i + round) % entrants.size());
    }
};

Row compare(const std::vector<double>& ours, const std::vector<double>& theirs)
{
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i)
        ratios.push_back(ours[i] / std::max(theirs[i], 0.1));
    Row row;
    row.ours = median(ours);
    row.theirs = median(theirs);
    row.ratio = median(ratios);
    row.lower = quantile(ratios, 0.25);
    row.upper = quantile(ratios, 0.75);
    return row;
}

// Theirs as it would be here, were all that the machines differ in the speed of the floor.
Row compare_scaled(const std::vector<double>& ours, const Entrant& peer, const Pace& pace)
{
    Row row;
    row.trouble = peer.trouble;
    if (peer.elsewhere <= 0 || !pace.floor) return row;
    std::vector<double> floors;
    for (unsigned i = 0; i < pace.rounds; ++i)
        if (const auto floor = pace.floor()) floors.push_back(*floor);
    if (floors.empty()) return row;
    const double theirs = peer.elsewhere / peer.floor_elsewhere * median(floors);
    row = compare(ours, std::vector<double>(ours.size(), theirs));
    row.scaled = true;
    row.trouble = peer.trouble;
    return row;
}

} // namespace

std::vector<Row> run_race(const Race& race, const Pace& pace)
{
    Field field(race);
    for (unsigned round = 0; round < pace.rounds; ++round)
        field.run_round(round);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < race.peers.size(); ++i) {
        const Entrant& peer = field.entrants[i + 1];
        Row row = peer.once ? compare(field.times[0], field.times[i + 1]) : compare_scaled(field.times[0], peer, pace);
        if (!field.entrants[0].once) {
            row.trouble = "netwright: " + field.entrants[0].trouble;
            row.scaled = false;
        }
        row.peer = peer.name;
        row.number = race.peers[i].second.number;
        row.most = race.peers[i].second.most;
        rows.push_back(row);
    }
    return rows;
}

std::string judge(const Row& row)
{
    if (row.most <= 0) return "";
    if (row.upper <= row.most) return "met";
    return row.lower > row.most ? "missed" : "near";
}

std::string text_of(const std::string& title, const std::vector<Row>& rows)
{
    std::string text;
    for (const Row& row : rows) {
        text += fmt::format("{:4} {:52} ", row.number, title);
        if (!row.trouble.empty() && !row.scaled) {
            text += fmt::format("beside {}: {}\n", row.peer, row.trouble);
            continue;
        }
        text += fmt::format("{:7.1f} ns  {:24} {:7.1f} ns{} {:6.2f} x ({:.2f} to {:.2f})", row.ours, row.peer,
                            row.theirs, row.scaled ? "*" : " ", row.ratio, row.lower, row.upper);
        if (row.most > 0) text += fmt::format("  goal {:.2f}: {}", row.most, judge(row));
        text += row.scaled ? fmt::format("  ({})\n", row.trouble) : "\n";
    }
    return text;
}

} // namespace netwright::dataplane_bench
