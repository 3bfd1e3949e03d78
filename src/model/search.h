// SPDX-License-Identifier: GPL-2.0-or-later
// A search for better settings: where it may look, what is wanted, and every run it has made. All it will do next
// follows from these values, so that a search can be put aside and taken up again.
#pragma once

#include "model/tunable.h"
#include "model/verdict.h"

#include <cstdint>
#include <string>
#include <vector>

namespace netwright {

// One setting that may be moved, and the values it may take.
struct Dimension {
    Tunable tunable;
    std::vector<Value> levels;
    bool ordered = true;     // false: the levels are names or codes; none lies between two others
    std::size_t now = 0;     // the level that the host has
    std::size_t formula = 0; // the level that the plan's formulas give; `now` where they give none
    bool operator==(const Dimension&) const = default;
};

using SearchPoint = std::vector<std::size_t>; // a level of each dimension

// "max throughput", "min latency-p99"
struct Goal {
    std::string metric, unit;
    Direction better = Direction::Higher;
    Scale scale = Scale::Ratio;
    double margin = 0.02; // differences up to this do not matter
    bool operator==(const Goal&) const = default;
};

// What one run of the traffic came to. `trouble`: why it came to nothing; its numbers mean nothing then.
struct SearchRun {
    double goal = 0;
    std::vector<double> guards; // the value of each guarded metric
    std::string trouble;
    bool operator==(const SearchRun&) const = default;
};

// Explore: cheap races for the place of the leader. Trim: does the leader need this change? Prove: against the best
// state that is proven, until the difference is shown.
enum class SearchStage { Explore, Trim, Prove };
std::string_view to_text(SearchStage stage); // "explore", "trim", "prove"
Result<SearchStage> parse_search_stage(std::string_view text);

// Two points measured one after the other, in an order drawn by lot.
struct SearchPair {
    SearchStage stage = SearchStage::Explore;
    SearchPoint holder, challenger;
    SearchRun of_holder, of_challenger;
    double seconds = 0; // that both runs took
    bool operator==(const SearchPair&) const = default;
};

// What is kept on the disk (docs/formats/search.md).
struct SearchRecord {
    static constexpr int current_schema = 1;
    int schema = current_schema;
    std::string host, kernel; // where it was searched
    std::string place;        // "lab: 1 Gbit/s, 25 ms each way", "live, against 10.0.0.2"
    std::string traffic;      // as asked for, in words
    Goal goal;
    std::vector<std::string> guards; // "latency-p99 < 2ms"
    double level = 0.05;
    double budget_s = 0;
    std::vector<Dimension> dimensions;
    std::vector<SearchPair> trail;
    bool operator==(const SearchRecord&) const = default;
};

// How one point did against the one that led, or that was proven. It follows from the trail.
struct SearchRace {
    enum class End { Open, Won, Lost };
    SearchStage stage = SearchStage::Explore;
    SearchPoint holder, challenger;
    std::size_t wins = 0, losses = 0;
    double level = 0; // of a proof
    Interval effect;  // of the challenger on the goal, on the goal's scale; above 0 is better
    End end = End::Open;
    std::string why;       // in words, of a race that has ended
    bool guarded = true;   // the challenger kept every guard at every run
    std::size_t first = 0; // its first pair in the trail
    std::vector<double> gains;
};

std::string_view to_text(SearchRace::End end); // "open", "won", "lost"

// A search with all that follows from its record: what people want to see of it.
struct SearchStory {
    SearchRecord record;
    std::vector<SearchRace> races;
    SearchPoint leader, proven;
    double spent_s = 0;
    bool exhausted = false; // nothing near the leader is left to try
};

SearchPoint point_now(const std::vector<Dimension>& dimensions);
SearchPoint point_of_formulas(const std::vector<Dimension>& dimensions);
// "net.ipv4.tcp_rmem 4096 131072 6291456, net.ipv4.tcp_wmem …"; of what differs from `now`; "as it is" when nothing.
std::string point_text(const std::vector<Dimension>& dimensions, const SearchPoint& point);

} // namespace netwright
