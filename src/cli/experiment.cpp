// SPDX-License-Identifier: GPL-2.0-or-later
// netwright experiment: does a plan help, on this host or in a lab? Measured in pairs, told with its uncertainty.
#include "measure/experiment.h"

#include "cli/place.h"
#include "cli/verdict_text.h"
#include "model/plan_yaml.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace netwright::cli {
namespace {

constexpr std::size_t largest_plan = 4U << 20;

struct ExperimentFlags {
    std::string plan, workload, output;
    std::vector<std::string> guards{"failures < 5%"};
    TrafficFlags traffic;
    PlaceFlags place;
    std::size_t pairs = 20;
    double level = 0.05;
    bool each = false, json = false;
};

void show_progress(const measure::ExperimentResult& so_far)
{
    if (::isatty(STDERR_FILENO) != 1) return;
    std::string text;
    for (const Verdict& verdict : so_far.verdicts)
        for (const std::string& name : so_far.principal)
            if (name == verdict.metric) text += fmt::format("  {} {}", name, effect_text(verdict));
    fmt::print(stderr, "\r\033[Kpair {}:{}\n", so_far.pairs, text);
}

Result<measure::ExperimentRules> rules_of(const ExperimentFlags& flags)
{
    measure::ExperimentRules rules;
    rules.most_pairs = flags.pairs;
    rules.level = flags.level;
    if (flags.pairs == 0 || flags.pairs > 10'000) return fail(Error::Kind::Rejected, "--pairs: 1 to 10000");
    if (!(flags.level > 0 && flags.level < 0.5)) return fail(Error::Kind::Rejected, "--level: above 0 and below 0.5");
    for (const std::string& guard : flags.guards)
        rules.guardrails.push_back(TRY(measure::parse_guardrail(guard)));
    return rules;
}

Result<measure::ExperimentResult> try_plan(Place& place, const Plan& plan, const Traffic& traffic,
                                           const measure::ExperimentRules& rules)
{
    TRY_VOID(place.prepare(plan));
    std::mt19937_64 random(std::random_device{}());
    const auto measured = [&](measure::Arm arm) {
        return arm == measure::Arm::Baseline ? place.measure(traffic) : measure_switched_on(place, traffic);
    };
    return measure::run_experiment(rules, measured, random, show_progress);
}

std::string conclusion(const measure::ExperimentResult& result)
{
    if (result.broken) return fmt::format("aborted and put back: {}", *result.broken);
    if (result.helps()) return fmt::format("the plan helps: shown in {} pairs", result.pairs);
    for (const Verdict& verdict : result.verdicts)
        for (const std::string& name : result.principal)
            if (name == verdict.metric && verdict.outcome == Outcome::Worse)
                return fmt::format("the plan harms: {} is worse", name);
    return result.decided ? "the plan makes no difference that matters" : "not enough data: --pairs for more";
}

// Each change by itself; those that do not earn their place leave the plan. The level is shared among them.
Result<int> try_each(const ExperimentFlags& flags, Place& place, const Plan& plan, const Traffic& traffic,
                     measure::ExperimentRules rules)
{
    rules.level /= static_cast<double>(std::max<std::size_t>(1, plan.changes.size()));
    TRY_VOID(place.prepare(plan)); // each is compared with the host as it is, also in what the others change
    Plan kept = plan;
    kept.changes.clear();
    for (const Change& change : plan.changes) {
        Plan single = plan;
        single.changes = {change};
        const auto result = try_plan(place, single, traffic, rules);
        std::string verdict = result ? conclusion(*result) : "not tried: " + result.error().what;
        const bool earns = result && result->helps();
        if (earns) kept.changes.push_back(change);
        if (!result && result.error().kind != Error::Kind::Unsupported) return std::unexpected(result.error());
        TRY_VOID(print(fmt::format("{} {}: {}\n", earns ? "keeps " : "leaves", to_text(change.tunable), verdict)));
    }
    TRY_VOID(print(fmt::format("{} of {} changes earn their place, each tried alone at level {:.3g}\n",
                               kept.changes.size(), plan.changes.size(), rules.level)));
    if (!flags.output.empty()) TRY_VOID(write_file(flags.output, to_yaml(kept)));
    return done;
}

Result<int> experiment(const ExperimentFlags& flags, const Traffic& traffic, const measure::ExperimentRules& rules,
                       const Globals& globals)
{
    const std::string text = TRY(read_file(flags.plan, largest_plan));
    const Plan plan = TRY(plan_from_yaml(text, flags.plan));
    if (plan.changes.empty()) return fail(Error::Kind::Rejected, flags.plan + ": there is nothing to try in it");
    const auto place = TRY(place_of(flags.place, globals));
    if (flags.each) return try_each(flags, *place, plan, traffic, rules);
    const auto result = TRY(try_plan(*place, plan, traffic, rules));
    if (flags.json) {
        TRY_VOID(print(verdicts_json(result.verdicts) + "\n"));
    } else {
        for (const std::string& tunable : place->left_out())
            TRY_VOID(print(fmt::format("not tried: {} (not a setting of a network namespace here)\n", tunable)));
        TRY_VOID(print(verdict_table(result.verdicts, result.principal, style_of(STDOUT_FILENO, globals))));
        TRY_VOID(print(fmt::format(
            "* decides. Intervals of {:.4g} % of each metric by itself, valid however often one looks.\n{}\n",
            100 * (1 - rules.level), conclusion(result))));
    }
    return result.broken ? failed : done;
}

int run(const ExperimentFlags& flags, const Globals& globals)
{
    const auto traffic = traffic_of(flags.workload, flags.traffic);
    if (!traffic) return complain(traffic.error(), usage);
    const auto sensible = settled(*traffic, TrafficLimits{});
    if (!sensible) return complain(sensible.error(), usage);
    const auto rules = rules_of(flags);
    if (!rules) return complain(rules.error(), usage);
    const auto result = experiment(flags, *sensible, *rules, globals);
    return result ? *result : complain(result.error());
}

} // namespace

Action declare_experiment(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<ExperimentFlags>();
    app.add_option("plan", flags->plan, "what `netwright plan` wrote")->type_name("FILE")->required();
    app.add_option("--bench", flags->workload, "what to measure, as for netwright bench")
        ->type_name("WORKLOAD")
        ->required();
    app.add_flag("--each", flags->each, "try each change by itself, and leave out those that do not help");
    app.add_option("-o,--output", flags->output, "with --each: write the plan that is left")->type_name("FILE");
    app.add_option("--pairs", flags->pairs, "most pairs of runs; it stops sooner when decided")->capture_default_str();
    app.add_option("--level", flags->level, "chance of calling a difference where there is none, for each metric")
        ->capture_default_str();
    app.add_option("--guard", flags->guards,
                   "abort and put back unless, at every run with the plan: 'latency-p99 < 3x'")
        ->type_name("RULE")
        ->capture_default_str();
    app.add_flag("--json", flags->json, "print the verdicts as JSON");
    add_place_flags(app, flags->place);
    add_traffic_flags(app, flags->traffic, "3s", "--traffic-rate");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
