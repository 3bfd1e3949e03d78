// SPDX-License-Identifier: GPL-2.0-or-later
// netwright plan: a reviewable plan for what this host is for.
#include "cli/judged.h"
#include "model/plan_yaml.h"
#include "plan/make_plan.h"
#include "report/plan_text.h"

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

// `--workload help` describes the classes.
int describe_workloads()
{
    for (const Workload workload : all_workloads())
        fmt::print("{:<18} {}\n", to_text(workload), describe(workload));
    return done;
}

int run(const PlanFlags& flags, const Globals& globals)
{
    if (flags.intent.workload == "help") return describe_workloads();
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
