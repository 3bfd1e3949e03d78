// SPDX-License-Identifier: GPL-2.0-or-later
// netwright plan: a reviewable plan for what this host is for.
#include "advise/workloads.h"
#include "cli/judged.h"
#include "model/plan_yaml.h"
#include "plan/make_plan.h"
#include "report/plan_text.h"
#include "report/workload_text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace netwright::cli {
namespace {

struct PlanFlags {
    LookFlags look;
    IntentFlags intent;
    std::string output = "plan.yaml";
};

std::string_view sense_text(advise::Sense sense)
{
    if (sense == advise::Sense::AtLeast) return "at least ";
    return sense == advise::Sense::AtMost ? "at most " : "";
}

report::WorkloadGuide guide_to(Workload workload)
{
    report::WorkloadGuide guide{std::string(to_text(workload)), std::string(describe(workload)), {}, {}, {}};
    for (const advise::Covered& row : advise::covered())
        if (row.for_whom.has(workload)) guide.settings.push_back({"", std::string(row.what), std::string(row.rule)});
    for (const advise::Wish& wish : advise::wishes())
        if (wish.wanted_by.has(workload))
            guide.settings.push_back(
                {std::string(wish.key), fmt::format("{}{}", sense_text(wish.sense), wish.how), "workload-setting"});
    for (const advise::Counsel& counsel : advise::counsels())
        if (counsel.for_whom.has(workload)) guide.advice.emplace_back(counsel.text);
    for (const advise::LeaveAlone& row : advise::leave_alone())
        if (row.workload == workload) guide.leave_alone.emplace_back(row.text);
    return guide;
}

// `--workload help` describes the classes.
int describe_workloads(const Globals& globals)
{
    std::vector<report::WorkloadGuide> guides;
    for (const Workload workload : all_workloads())
        guides.push_back(guide_to(workload));
    const auto printed = print(report::workloads_text(guides, style_of(STDOUT_FILENO, globals)));
    return printed ? done : complain(printed.error());
}

int run(const PlanFlags& flags, const Globals& globals)
{
    if (flags.intent.workload == "help") return describe_workloads(globals);
    const auto judged = look_and_judge(flags.look, flags.intent, globals);
    if (!judged) return complain(judged.error(), judged.error().kind == Error::Kind::Rejected ? usage : failed);
    const Plan plan = plan::make_plan(judged->judgement, judged->host, judged->intent);
    if (auto written = write_file(flags.output, to_yaml(plan)); !written) return complain(written.error());
    if (flags.output == "-") return done;
    fmt::print("{}", report::plan_text(plan, style_of(STDOUT_FILENO, globals)));
    if (!plan.changes.empty())
        fmt::print("\nWritten to {}. Review it, then: netwright apply {}\n", flags.output, flags.output);
    return done;
}

} // namespace

Action declare_plan(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<PlanFlags>();
    add_look_flags(app, flags->look, Source::Any);
    add_intent_flags(app, flags->intent);
    app.add_option("-o,--output", flags->output, "where to write the plan (- for stdout)")
        ->type_name("FILE")
        ->capture_default_str();
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
