// SPDX-License-Identifier: GPL-2.0-or-later
// netwright restore: what netwright-restore.service runs at boot, and NetworkManager after it has brought an interface
// up.
#include "apply/restore.h"

#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace netwright::cli {
namespace {

std::string line_of(const apply::StepReport& report)
{
    const std::string value = report.to ? to_text(*report.to) : "(nothing)";
    switch (report.outcome) {
    case apply::Outcome::Restored:
        return fmt::format("{} = {}: restored\n", to_text(report.tunable), value);
    case apply::Outcome::AlreadyBack:
        return fmt::format("{} = {}: already so\n", to_text(report.tunable), value);
    default:
        return fmt::format("{} = {}: {}\n", to_text(report.tunable), value, report.note);
    }
}

int restore(const std::string& etc_dir, const std::string& interface, const Globals& globals)
{
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto reports = apply::restore(*kernel, globals.state_dir, etc_dir, interface);
    if (!reports) return complain(reports.error());
    int code = done;
    std::string text;
    for (const apply::StepReport& report : *reports) {
        text += line_of(report);
        if (report.outcome == apply::Outcome::Failed) code = failed;
    }
    if (reports->empty()) text = "Nothing to restore.\n";
    const auto printed = print(text);
    return printed ? code : complain(printed.error());
}

} // namespace

Action declare_restore(CLI::App& app, const Globals& globals)
{
    auto etc_dir = std::make_shared<std::string>("/etc");
    app.add_option("--etc-dir", *etc_dir, "restore what was made to last in this directory")
        ->type_name("DIR")
        ->capture_default_str();
    auto interface = std::make_shared<std::string>();
    app.add_option("--interface", *interface, "only what is of this interface, or of none")->type_name("NAME");
    return [etc_dir, interface, &globals] { return restore(*etc_dir, *interface, globals); };
}

} // namespace netwright::cli
