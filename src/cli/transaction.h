// SPDX-License-Identifier: GPL-2.0-or-later
// What apply and set share: ask, apply, wait for the owner's yes, keep or put back, and say what was done.
#pragma once

#include "apply/receipt.h"
#include "cli/command.h"
#include "model/plan.h"

#include <string>

namespace netwright::cli {

struct ApplyFlags {
    std::string confirm_within = "60s";
    std::string check; // --check COMMAND
    std::string check_timeout = "60s";
    std::string etc;   // --etc-dir: where sysctl.d is; "" = /etc on the host, nowhere in other namespaces
    bool yes = false;  // no question before
    bool keep = false; // no wait after: confirm at once when everything (and --check) succeeded
    bool dry_run = false;
};
void add_apply_flags(CLI::App& app, ApplyFlags& flags);

// Runs a plan to its end and prints what happened; gives the exit code.
int run_plan(const Plan& plan, const std::string& plan_text, kernel::Kernel& kernel, const ApplyFlags& flags,
             const Globals& globals);

// One block a step, warnings, and how it stands.
std::string receipt_text(const apply::Receipt& receipt, const report::Style& style);

} // namespace netwright::cli
