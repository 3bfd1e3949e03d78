// SPDX-License-Identifier: GPL-2.0-or-later
// Interleaved pairs, guardrails and early stopping.
#include "measure/experiment.h"

#include "base/median.h"
#include "base/text.h"
#include "base/units.h"
#include "measure/statistics.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::measure {
namespace {

// One metric's values in both arms.
struct Series {
    Metric metric;
    std::vector<Pair> pairs;
};

class Notebook {
public:
    explicit Notebook(const ExperimentRules& rules) : rules_(rules) {}

    void add(const Measurement& baseline, const Measurement& candidate)
    {
        for (const Metric& one : metrics(baseline))
            if (const auto other = netwright::metric(candidate, one.name))
                series_of(one).pairs.push_back({one.value, *other});
    }

    ExperimentResult result(std::size_t pairs) const
    {
        ExperimentResult result;
        result.pairs = pairs;
        result.decided = !series_.empty();
        for (const Series& series : series_) {
            const Metric& one = series.metric;
            const Yardstick yardstick{std::string(one.name), one.better, one.scale, one.margin, rules_.level};
            result.verdicts.push_back(judge(yardstick, series.pairs));
            if (!decides(one)) continue;
            result.principal.emplace_back(one.name);
            if (result.verdicts.back().outcome == Outcome::NotEnoughData) result.decided = false;
        }
        result.decided = result.decided && !result.principal.empty();
        return result;
    }

    double baseline_median(std::string_view name) const
    {
        std::vector<double> values;
        for (const Series& series : series_)
            if (series.metric.name == name)
                for (const Pair& pair : series.pairs)
                    values.push_back(pair.baseline);
        return median(std::move(values));
    }

private:
    bool decides(const Metric& one) const
    {
        if (rules_.metrics.empty()) return one.principal;
        return std::ranges::find(rules_.metrics, one.name) != rules_.metrics.end();
    }

    Series& series_of(const Metric& one)
    {
        const auto found =
            std::ranges::find_if(series_, [&](const Series& known) { return known.metric.name == one.name; });
        if (found != series_.end()) return *found;
        series_.push_back({one, {}});
        return series_.back();
    }

    const ExperimentRules& rules_;
    std::vector<Series> series_;
};

// The guardrail that this run of the candidate breaks.
std::optional<std::string> broken_by(const Measurement& candidate, const ExperimentRules& rules,
                                     const Notebook& notebook)
{
    for (const Guardrail& rail : rules.guardrails) {
        const auto value = metric(candidate, rail.metric);
        if (!value) continue;
        const double usual = notebook.baseline_median(rail.metric);
        if (rail.relative && usual <= 0) continue; // nothing to compare with yet
        const double limit = rail.relative ? rail.limit * usual : rail.limit;
        if (rail.good == Direction::Lower ? *value < limit : *value > limit) continue;
        return fmt::format("{}: it was {:.4g}, the limit is {:.4g}", rail.text, *value, limit);
    }
    return std::nullopt;
}

// A limit with its unit, in the unit that the metric is told in.
Result<double> limit_of(std::string_view text)
{
    if (text.ends_with('%')) return parse_double(text.substr(0, text.size() - 1));
    if (const auto plain = parse_double(text)) return plain;
    if (const auto time = parse_duration(text)) return static_cast<double>(time->count()) / 1e3;
    const BitRate rate = TRY(parse_bit_rate(text));
    return static_cast<double>(rate.bits_per_second);
}

} // namespace

Result<Guardrail> parse_guardrail(std::string_view text)
{
    const std::size_t sign = text.find_first_of("<>");
    const auto wrong = [&](std::string_view why) {
        return fail(Error::Kind::Rejected,
                    fmt::format("guardrail '{}': {} (such as: latency-p99 < 2ms, retransmits < 1%, "
                                "latency-p99 < 3x)",
                                text, why));
    };
    if (sign == std::string_view::npos) return wrong("has neither < nor >");
    Guardrail rail;
    rail.metric = metric_meant(trim(text.substr(0, sign)));
    if (!is_metric(rail.metric)) return wrong("names no metric");
    rail.good = text[sign] == '<' ? Direction::Lower : Direction::Higher;
    rail.text = trim(text);
    std::string_view limit = trim(text.substr(sign + 1));
    rail.relative = limit.ends_with('x');
    if (rail.relative) limit.remove_suffix(1);
    const auto value = rail.relative ? parse_double(limit) : limit_of(limit);
    if (!value || !(*value >= 0)) return wrong("has no limit that could be read");
    rail.limit = *value;
    return rail;
}

bool ExperimentResult::helps() const
{
    bool better = false;
    for (const Verdict& verdict : verdicts) {
        if (std::ranges::find(principal, verdict.metric) == principal.end()) continue;
        if (verdict.outcome == Outcome::Worse) return false;
        better = better || verdict.outcome == Outcome::Better;
    }
    return better && !broken;
}

Result<ExperimentResult> run_experiment(const ExperimentRules& rules, const MeasureArm& measure,
                                        std::mt19937_64& random, const AfterPair& after_pair)
{
    Notebook notebook(rules);
    ExperimentResult result;
    for (std::size_t pair = 0; pair < rules.most_pairs; ++pair) {
        const Arm first = random() % 2 == 0 ? Arm::Baseline : Arm::Candidate;
        const Arm second = first == Arm::Baseline ? Arm::Candidate : Arm::Baseline;
        auto one = TRY(measure(first));
        auto other = TRY(measure(second));
        const Measurement& baseline = first == Arm::Baseline ? one : other;
        const Measurement& candidate = first == Arm::Baseline ? other : one;
        notebook.add(baseline, candidate);
        result = notebook.result(pair + 1);
        result.broken = broken_by(candidate, rules, notebook);
        if (after_pair) after_pair(result);
        if (result.broken || result.decided) break;
    }
    return result;
}

} // namespace netwright::measure
