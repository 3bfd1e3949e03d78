// SPDX-License-Identifier: GPL-2.0-or-later
// Races between points, their verdicts, and what follows from them.
#include "measure/search.h"

#include "base/median.h"
#include "base/text.h"
#include "measure/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace netwright::measure {
namespace {

// A race is decided by so many pairs won, or lost, by the challenger.
struct Score {
    std::size_t wins, losses;
};
constexpr Score to_lead{4, 2}, to_leave{3, 3};
constexpr double race_pairs = 5, proof_pairs = 10; // about what a race, and the proof of a plain difference, take
constexpr std::size_t most_proof_pairs = 60;
constexpr double hopeless = -0.5; // a first pair lost by so much (on the logarithmic scale) needs no second
// Of the budget: until when it explores, until when it trims, and until when it begins to explore once more.
constexpr double explore_share = 0.5, trim_share = 0.65, restart_share = 0.7;

bool has_ended_well(const SearchRun& run) { return run.trouble.empty(); }

// How many times a proof multiplied its stake is compared with 1 / level; its interval is told on the goal's scale.
Interval told(Interval interval, Scale scale)
{
    if (scale == Scale::Difference) return interval;
    const bool bounded = std::isfinite(interval.low);
    return {bounded ? std::expm1(interval.low) : interval.low, std::expm1(interval.estimate),
            std::expm1(interval.high)};
}

void end(SearchRace& race, SearchRace::End how, std::string why)
{
    race.end = how;
    race.why = std::move(why);
}

} // namespace

Result<Goal> parse_goal(std::string_view text)
{
    std::string_view rest = text, sense, name, more;
    const bool two = next_word(rest, sense) && next_word(rest, name) && !next_word(rest, more);
    if (!two || (sense != "max" && sense != "min"))
        return fail(Error::Kind::Rejected,
                    fmt::format("goal '{}': it reads 'max METRIC' or 'min METRIC', such as 'max throughput'", text));
    const auto metric = metric_named(metric_meant(name));
    if (!metric) return fail(Error::Kind::Rejected, fmt::format("goal '{}': there is no metric '{}'", text, name));
    const bool upwards = sense == "max";
    if (upwards != (metric->better == Direction::Higher))
        return fail(Error::Kind::Rejected, fmt::format("goal '{}': {} is better the {} it is", text, metric->name,
                                                       upwards ? "lower" : "higher"));
    return Goal{std::string(metric->name), std::string(metric->unit), metric->better, metric->scale, metric->margin};
}

Search::Search(std::vector<Dimension> dimensions, SearchRules rules)
    : dimensions_(std::move(dimensions)), rules_(std::move(rules)), start_(point_now(dimensions_)), leader_(start_),
      proven_(start_), tried_{start_}, guards_now_(rules_.guards.size())
{
    for (const Dimension& dimension : dimensions_)
        steps_.push_back(std::max<std::size_t>(1, dimension.levels.size() / 4));
    plan_next();
}

// The limit a guard stands for, once the host's own values are known where it counts from them.
double Search::limit_of(const Guardrail& guard, std::size_t index) const
{
    return guard.relative ? guard.limit * median(guards_now_[index]) : guard.limit;
}

// By how much a run breaks its guards: 0 for not at all, else the sum of the logarithms of value / limit.
double Search::violation(const SearchRun& run) const
{
    double sum = 0;
    for (std::size_t i = 0; i < rules_.guards.size() && i < run.guards.size(); ++i) {
        const Guardrail& guard = rules_.guards[i];
        const double limit = limit_of(guard, i), value = run.guards[i];
        if (guard.relative && guards_now_[i].empty()) continue; // nothing to count from yet
        if (guard.good == Direction::Lower ? value < limit : value > limit) continue;
        const double apart = limit > 0 && value > 0 ? std::abs(std::log(value / limit)) : std::abs(value - limit);
        sum += std::max(apart, 1e-9); // at the limit is broken too
    }
    return sum;
}

// Above 0: the challenger did better. Turned around with the arms, as the betting needs it. Keeping the guards comes
// first: a host that breaks them at the start is first brought to keep them.
double Search::gain(const SearchPair& pair) const
{
    const double holder = violation(pair.of_holder), challenger = violation(pair.of_challenger);
    if (holder > 0 || challenger > 0) return holder - challenger;
    const double sign = rules_.goal.better == Direction::Higher ? 1 : -1;
    const double before = pair.of_holder.goal, after = pair.of_challenger.goal;
    if (rules_.goal.scale == Scale::Difference) return sign * (after - before);
    if (!(before > 0) || !(after > 0)) return after > before ? sign : after < before ? -sign : 0;
    return sign * std::log(after / before);
}

void Search::judge_round(SearchRace& race, const SearchPair& pair) const
{
    const Goal& goal = rules_.goal;
    const double margin = goal.scale == Scale::Ratio ? std::log1p(goal.margin) : goal.margin;
    const double gained = has_ended_well(pair.of_holder) ? gain(pair) : margin + 1;
    race.gains.push_back(gained);
    const bool won = race.stage == SearchStage::Trim ? gained > -margin : gained > margin;
    ++(won ? race.wins : race.losses);
    race.effect = told({-INFINITY, hodges_lehmann(race.gains), INFINITY}, goal.scale);
    const bool trim = race.stage == SearchStage::Trim;
    const Score score = trim ? to_leave : to_lead;
    if (race.wins == score.wins)
        end(race, SearchRace::End::Won, trim ? "it does as well without" : "it leads");
    else if (race.losses == score.losses || (goal.scale == Scale::Ratio && gained < hopeless))
        end(race, SearchRace::End::Lost, trim ? "it is needed" : "it does no better");
}

void Search::judge_proof(SearchRace& race) const
{
    const Interval interval = paired_interval(race.gains, race.level);
    race.effect = told(interval, rules_.goal.scale);
    ++(race.gains.back() > 0 ? race.wins : race.losses);
    const bool differs = evidence(race.gains) >= 1 / race.level;
    if (race.effect.within(rules_.goal.margin))
        end(race, SearchRace::End::Lost, "it makes no difference that matters");
    else if (differs && interval.estimate > 0)
        end(race, race.guarded ? SearchRace::End::Won : SearchRace::End::Lost,
            race.guarded ? "shown to be better" : "shown to be better, but it does not keep the guards");
    else if (differs)
        end(race, SearchRace::End::Lost, "shown to be worse");
    else if (race.gains.size() >= most_proof_pairs)
        end(race, SearchRace::End::Lost, fmt::format("nothing shown in {} pairs", race.gains.size()));
}

void Search::judge(const SearchPair& pair)
{
    SearchRace& race = races_.back();
    for (const auto& [point, run] : {std::pair(pair.holder, pair.of_holder), {pair.challenger, pair.of_challenger}})
        for (std::size_t i = 0; point == start_ && has_ended_well(run) && i < guards_now_.size(); ++i)
            guards_now_[i].push_back(run.guards[i]);
    if (!has_ended_well(pair.of_challenger))
        return end(race, SearchRace::End::Lost, "it was not to be had: " + pair.of_challenger.trouble);
    const bool breaks = violation(pair.of_challenger) > 0;
    race.guarded = race.guarded && !breaks;
    if (breaks && has_ended_well(pair.of_holder) && violation(pair.of_holder) == 0)
        return end(race, SearchRace::End::Lost, "it breaks a guard");
    if (race.stage != SearchStage::Prove) return judge_round(race, pair);
    if (!has_ended_well(pair.of_holder)) return; // left out: it would only speak for the challenger
    race.gains.push_back(gain(pair));
    judge_proof(race);
}

// Takes up a race that has ended.
void Search::settle(const SearchRace& race)
{
    const bool won = race.end == SearchRace::End::Won;
    if (race.stage == SearchStage::Prove) {
        if (won) proven_ = leader_;
        leader_ = proven_;
        trimmed_.clear();
        exhausted_ = false;
    } else if (won) {
        leader_ = race.challenger;
        exhausted_ = false;
        for (std::size_t i = 0; race.stage == SearchStage::Explore && i < dimensions_.size(); ++i)
            if (race.challenger[i] != race.holder[i]) {
                facing_ = i; // on in the same direction
                forward_ = race.challenger[i] > race.holder[i];
            }
    }
}

bool Search::open(SearchStage stage, const SearchPoint& holder, SearchPoint challenger)
{
    SearchRace race;
    race.stage = stage;
    race.holder = holder;
    race.challenger = std::move(challenger);
    race.first = pairs_;
    if (stage == SearchStage::Prove) race.level = rules_.level / std::exp2(static_cast<double>(++proofs_));
    (stage == SearchStage::Trim ? trimmed_ : tried_).insert(race.challenger);
    races_.push_back(std::move(race));
    return true;
}

// Points one step from the leader, those in the direction that helped last first.
std::vector<SearchPoint> Search::neighbours() const
{
    std::vector<SearchPoint> found;
    for (std::size_t offset = 0; offset < dimensions_.size(); ++offset) {
        const std::size_t i = (facing_ + offset) % dimensions_.size();
        const std::size_t levels = dimensions_[i].levels.size(), at = leader_[i];
        const std::size_t up = std::min(levels - 1, at + steps_[i]), down = at - std::min(at, steps_[i]);
        const bool forward = offset == 0 ? forward_ : true;
        std::vector<std::size_t> moves{forward ? up : down, forward ? down : up};
        if (!dimensions_[i].ordered) {
            moves.resize(levels);
            for (std::size_t level = 0; level < levels; ++level)
                moves[level] = level;
        }
        for (const std::size_t level : moves) {
            found.push_back(leader_);
            found.back()[i] = level;
        }
    }
    return found;
}

bool Search::halve_steps()
{
    const bool possible = std::ranges::any_of(steps_, [](std::size_t step) { return step > 1; });
    for (std::size_t& step : steps_)
        step = std::max<std::size_t>(1, step / 2);
    return possible;
}

bool Search::open_explore()
{
    if (const SearchPoint formula = point_of_formulas(dimensions_); !tried_.contains(formula))
        return open(SearchStage::Explore, leader_, formula);
    do {
        for (SearchPoint& point : neighbours())
            if (!tried_.contains(point)) return open(SearchStage::Explore, leader_, std::move(point));
    } while (halve_steps());
    exhausted_ = true;
    return false;
}

bool Search::open_trim()
{
    for (std::size_t i = 0; leader_ != proven_ && i < dimensions_.size(); ++i) {
        SearchPoint without = leader_;
        without[i] = start_[i];
        if (without == leader_ || without == proven_ || without == start_ || trimmed_.contains(without)) continue;
        return open(SearchStage::Trim, leader_, std::move(without));
    }
    return false;
}

bool Search::open_proof() { return leader_ != proven_ && open(SearchStage::Prove, proven_, leader_); }

void Search::plan_next()
{
    task_.reset();
    const double each = pairs_ > 0 ? spent_s_ / static_cast<double>(pairs_) : 0;
    if (dimensions_.empty() || rules_.budget_s <= 0 || spent_s_ + each > rules_.budget_s) return;
    const double share = spent_s_ / rules_.budget_s;
    const bool reserved = spent_s_ + (race_pairs + proof_pairs) * each > rules_.budget_s; // the rest is for a proof
    const bool racing = !races_.empty() && races_.back().end == SearchRace::End::Open;
    const double until = leader_ == proven_ ? restart_share : explore_share;
    const bool may_race = !reserved || pairs_ == 0;
    const bool found = racing || (may_race && share < until && open_explore()) ||
                       (may_race && share < trim_share && open_trim()) || open_proof();
    if (found) task_ = SearchTask{races_.back().stage, races_.back().holder, races_.back().challenger};
}

// A search with another budget may have gone from one stage to the next sooner or later: it is taken as it was.
void Search::adopt(const SearchPair& pair)
{
    const bool only_opened = task_ && races_.back().first == pairs_;
    if (only_opened) {
        if (races_.back().stage == SearchStage::Prove) --proofs_;
        if (races_.back().stage == SearchStage::Explore) tried_.erase(races_.back().challenger);
        races_.pop_back();
    }
    open(pair.stage, pair.holder, pair.challenger);
}

Result<void> Search::record(const SearchPair& pair)
{
    const auto wrong = [](std::string_view why) {
        return fail(Error::Kind::Mismatch, fmt::format("this pair does not belong to this search: {}", why));
    };
    if (pair.of_holder.guards.size() != rules_.guards.size() && has_ended_well(pair.of_holder))
        return wrong("it has other guards");
    if (pair.of_challenger.guards.size() != rules_.guards.size() && has_ended_well(pair.of_challenger))
        return wrong("it has other guards");
    if (task_ != SearchTask{pair.stage, pair.holder, pair.challenger}) {
        const bool proof = pair.stage == SearchStage::Prove;
        if (pair.holder != (proof ? proven_ : leader_)) return wrong("another point led");
        if (proof && pair.challenger != leader_) return wrong("it proves another point");
        if (pair.challenger.size() != dimensions_.size()) return wrong("it has other dimensions");
        for (std::size_t i = 0; i < dimensions_.size(); ++i)
            if (pair.challenger[i] >= dimensions_[i].levels.size()) return wrong("it has other levels");
        adopt(pair);
    }
    judge(pair);
    ++pairs_;
    spent_s_ += pair.seconds;
    const SearchRace race = races_.back();
    if (race.end != SearchRace::End::Open) settle(race);
    plan_next();
    return {};
}

} // namespace netwright::measure
