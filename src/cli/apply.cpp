// SPDX-License-Identifier: GPL-2.0-or-later
// netwright apply and set: a plan, or one value, as a transaction.
#include "apply/fingerprint.h"
#include "catalog/catalog.h"
#include "cli/transaction.h"
#include "model/plan_yaml.h"
#include "tunable/tunable_kind.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace netwright::cli {
namespace {

constexpr std::size_t largest_plan = 4U << 20;

struct ApplyCommand {
    std::string plan;
    ApplyFlags flags;
};

struct SetCommand {
    std::string tunable;
    std::vector<std::string> words;
    ApplyFlags flags;
};

// The transaction asks all this again, under the lock; here a value that makes no sense is named with its place.
Result<void> check_plan(kernel::Kernel& kernel, const Plan& plan, const std::string& text, const std::string& file)
{
    const auto present = TRY(apply::fingerprint(kernel));
    TRY_VOID(apply::compare(plan, present));
    const auto lines = change_lines(text);
    for (std::size_t i = 0; i < plan.changes.size(); ++i) {
        const Change& change = plan.changes[i];
        auto checked = change.to ? tunable::check(kernel, change.tunable, *change.to) : Result<void>{};
        if (checked) continue;
        Error error = std::move(checked).error();
        error.what = fmt::format("{}:{}: {}", file, i < lines.size() ? lines[i] : 1, error.what);
        return std::unexpected(std::move(error));
    }
    return {};
}

int apply_file(const ApplyCommand& command, const Globals& globals)
{
    const auto text = read_file(command.plan, largest_plan);
    if (!text) return complain(text.error());
    const auto plan = plan_from_yaml(*text, command.plan);
    if (!plan) return complain(plan.error());
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    if (const auto checked = check_plan(*kernel, *plan, *text, command.plan); !checked)
        return complain(checked.error());
    return run_plan(*plan, *text, *kernel, command.flags, globals);
}

// A plan of one change, from what is there now.
Result<Plan> plan_of(kernel::Kernel& kernel, const Tunable& tunable, Value to)
{
    TRY_VOID(tunable::check(kernel, tunable, to));
    Plan plan;
    plan.made_for = TRY(apply::fingerprint(kernel));
    const auto from = TRY(tunable::read(kernel, tunable));
    if (from && tunable::same(tunable, *from, to)) return plan;
    Change change;
    change.tunable = tunable;
    change.from = from;
    change.to = std::move(to);
    change.why = "netwright set";
    change.risk = catalog::risk_of(tunable);
    change.reach = catalog::reach_of(tunable);
    change.persistence = natural_persistence(tunable);
    plan.changes = {std::move(change)};
    return plan;
}

int set(const SetCommand& command, const Globals& globals)
{
    const auto tunable = parse_tunable(command.tunable);
    if (!tunable) return complain(tunable.error(), usage);
    std::string text;
    for (const std::string& word : command.words)
        text += (text.empty() ? "" : " ") + word;
    auto value = parse_value(*tunable, text);
    if (!value) return complain(value.error(), usage);
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto plan = plan_of(*kernel, *tunable, *std::move(value));
    if (!plan) return complain(plan.error(), plan.error().kind == Error::Kind::Rejected ? usage : failed);
    return run_plan(*plan, to_yaml(*plan), *kernel, command.flags, globals);
}

} // namespace

Action declare_apply(CLI::App& app, const Globals& globals)
{
    auto command = std::make_shared<ApplyCommand>();
    app.add_option("plan", command->plan, "what `netwright plan` wrote")->type_name("FILE")->required();
    add_apply_flags(app, command->flags);
    return [command, &globals] { return apply_file(*command, globals); };
}

Action declare_set(CLI::App& app, const Globals& globals)
{
    auto command = std::make_shared<SetCommand>();
    app.add_option("tunable", command->tunable, "such as sysctl/net.core.somaxconn")->type_name("TUNABLE")->required();
    app.add_option("value", command->words, "such as 8192, or '4096 131072 33554432'")->type_name("VALUE")->required();
    add_apply_flags(app, command->flags);
    return [command, &globals] { return set(*command, globals); };
}

} // namespace netwright::cli
