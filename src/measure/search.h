// SPDX-License-Identifier: GPL-2.0-or-later
// Which settings to try next, and what has been shown so far. Pure: fed with pairs of runs, asked for the next pair.
//
// Measurements are noisy, so that no single run tells which of two points is better. Points therefore race in pairs
// against the one that leads, in rounds whose order is drawn by lot:
//
//   explore  The formulas' values first, then one dimension at a time, in steps that are halved when no direction helps
//            any more (coordinate search on a grid, after Hooke and Jeeves). A race goes to the challenger that wins
//            four pairs before it loses two: 19 % for one that is no better than its holder, 92 % for one that wins
//            nine pairs of ten. A pair that breaks a guard which the holder kept ends the race.
//   trim     A change that the leader can do without leaves it: here a draw wins a pair, and three of five the race.
//   prove    The leader against the best state that is proven so far, at first the host as it is, in fresh pairs and by
//            betting (statistics.h), until shown better or the budget ends. The k-th proof has level/2^k, so all of
//            them together keep `level`. What is not shown is given up, and the search goes on from the proven state.
//
// Only proofs count: whatever luck an explorer had, it ends at a state that is better than the host's, at that level,
// or at the host's own.
#pragma once

#include "measure/experiment.h"
#include "model/search.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netwright::measure {

struct SearchRules {
    Goal goal;
    std::vector<Guardrail> guards; // kept at every run; a limit such as "3x" counts from the host as it is
    double level = 0.05;           // chance that anything it calls proven is no better
    double budget_s = 0;           // of measuring
};

// Rejected: no metric of that name, or neither max nor min before it, or against the metric's own sense.
Result<Goal> parse_goal(std::string_view text);

struct SearchTask {
    SearchStage stage = SearchStage::Explore;
    SearchPoint holder, challenger;
    bool operator==(const SearchTask&) const = default;
};

class Search {
public:
    Search(std::vector<Dimension> dimensions, SearchRules rules);

    // Nothing: the budget is used up, or there is nothing left to try.
    std::optional<SearchTask> next() const { return task_; }
    // Mismatch: it is not the pair that next() asked for.
    Result<void> record(const SearchPair& pair);

    const SearchPoint& proven() const { return proven_; } // the host's own until a proof succeeds
    const SearchPoint& leader() const { return leader_; } // not proven
    const std::vector<SearchRace>& races() const { return races_; }
    double spent_s() const { return spent_s_; }
    bool exhausted() const { return exhausted_; } // every neighbour of the leader has been tried

private:
    double limit_of(const Guardrail& guard, std::size_t index) const;
    double violation(const SearchRun& run) const;
    double gain(const SearchPair& pair) const;
    void judge(const SearchPair& pair);
    void judge_round(SearchRace& race, const SearchPair& pair) const;
    void judge_proof(SearchRace& race) const;
    void settle(const SearchRace& race);
    void plan_next();
    bool open(SearchStage stage, const SearchPoint& holder, SearchPoint challenger);
    void adopt(const SearchPair& pair);
    bool open_explore();
    bool open_trim();
    bool open_proof();
    std::vector<SearchPoint> neighbours() const;
    bool halve_steps();

    std::vector<Dimension> dimensions_;
    SearchRules rules_;
    SearchPoint start_, leader_, proven_;
    std::vector<std::size_t> steps_;
    std::size_t facing_ = 0; // the dimension to move first …
    bool forward_ = true;    // … and which way
    std::set<SearchPoint> tried_, trimmed_;
    std::vector<std::vector<double>> guards_now_; // of each guard, at the host's own point
    std::vector<SearchRace> races_;
    std::size_t pairs_ = 0, proofs_ = 0;
    double spent_s_ = 0;
    bool exhausted_ = false;
    std::optional<SearchTask> task_;
};

} // namespace netwright::measure
