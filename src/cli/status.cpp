// SPDX-License-Identifier: GPL-2.0-or-later
// netwright status, history and drift: what was done, and whether it still holds.
#include "apply/status.h"

#include "base/units.h"
#include "cli/command.h"
#include "host/rivals.h"
#include "report/terminal.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace netwright::cli {
namespace {

std::string summary_text(const apply::Summary& summary)
{
    return fmt::format("transaction {}{}: {}, {} change{}, {}{}", summary.id,
                       summary.network_namespace.empty() ? "" : " in " + summary.network_namespace,
                       to_text(summary.state), summary.changes, summary.changes == 1 ? "" : "s", summary.changed,
                       summary.note.empty() ? "" : " (" + summary.note + ")");
}

std::string open_text(const apply::OpenTransaction& open)
{
    const auto& record = open.record;
    std::string text =
        fmt::format("Transaction {} is {} since {}.\n", record.id, to_text(record.state), record.changed);
    for (const apply::Step& step : record.steps)
        if (!step.follower && step.to)
            text += fmt::format("  {}  {} -> {}\n", to_text(step.tunable),
                                step.from ? to_text(*step.from) : "(nothing)", to_text(*step.to));
    if (open.remaining.count() > 0)
        text += fmt::format("It is undone in {} unless confirmed.\n", duration_text(open.remaining));
    text += fmt::format("Watchdog: {}.\n",
                        open.watchdog_alive ? fmt::format("alive (pid {})", record.watchdog.pid) : "not running");
    if (!open.advice.empty()) text += open.advice + "\n";
    return text;
}

// Where each confirmed value lasts, and who else would change it.
std::string in_force_text(const std::vector<apply::InForce>& values, const kernel::Kernel& kernel)
{
    std::string text;
    for (const apply::InForce& one : values) {
        text += fmt::format("  {} = {}  ({} by transaction {})\n", to_text(one.tunable),
                            one.value ? to_text(*one.value) : "(nothing)",
                            one.place.empty() ? "set until the next boot" : "lasts in " + one.place, one.transaction);
        for (const std::string& rival : host::rivals_for(kernel.files, one.tunable))
            text += fmt::format("    but {}\n", rival);
    }
    return text;
}

int status(const Globals& globals)
{
    const auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto found = apply::status(*kernel, globals.state_dir);
    if (!found) return complain(found.error());
    std::string text;
    for (const auto& open : found->open)
        text += open_text(open);
    if (found->open.empty()) text += "No transaction is open.\n";
    text += fmt::format("Confirmed and in force: {}.\n", found->confirmed);
    const auto values = apply::in_force(globals.state_dir);
    if (!values) return complain(values.error());
    text += in_force_text(*values, *kernel);
    if (found->last) text += fmt::format("Last: {}.\n", summary_text(*found->last));
    const auto printed = print(text);
    return printed ? done : complain(printed.error());
}

int history(const Globals& globals)
{
    const auto found = apply::history(globals.state_dir);
    if (!found) return complain(found.error());
    std::string text;
    for (const auto& summary : *found)
        text += summary_text(summary) + "\n";
    if (found->empty()) text = "Nothing was ever applied.\n";
    const auto printed = print(text);
    return printed ? done : complain(printed.error());
}

std::string now_text(const apply::Drift& drift)
{
    if (!drift.now) return "cannot be read: " + drift.now.error().what;
    return "is now " + (*drift.now ? to_text(**drift.now) : "(nothing)");
}

int drift(const Globals& globals)
{
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto found = apply::drift(*kernel, globals.state_dir);
    if (!found) return complain(found.error());
    std::string text;
    for (const auto& one : *found)
        text += fmt::format("{}  confirmed as {} by transaction {}, {}\n", to_text(one.tunable),
                            one.confirmed ? to_text(*one.confirmed) : "(nothing)", one.transaction, now_text(one));
    if (found->empty()) text = "No drift: every confirmed value still holds.\n";
    const auto printed = print(text);
    if (!printed) return complain(printed.error());
    return found->empty() ? done : failed;
}

} // namespace

Action declare_status(CLI::App&, const Globals& globals)
{
    return [&globals] { return status(globals); };
}

Action declare_history(CLI::App&, const Globals& globals)
{
    return [&globals] { return history(globals); };
}

Action declare_drift(CLI::App&, const Globals& globals)
{
    return [&globals] { return drift(globals); };
}

} // namespace netwright::cli
