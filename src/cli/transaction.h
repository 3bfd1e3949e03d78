// SPDX-License-Identifier: GPL-2.0-or-later
// What apply and set share: ask, apply, wait for the owner's yes, keep or put back, and say what was done.
#pragma once

#include "apply/receipt.h"
#include "cli/command.h"
#include "model/plan.h"

#include <functional>
#include <string>
#include <vector>

namespace netwright::cli {

struct ApplyFlags {
    std::string confirm_within = "60s";
    std::string check; // --check COMMAND
    std::string check_timeout = "60s";
    std::string etc;   // --etc-dir: where sysctl.d is; "" = /etc on the host, nowhere in other namespaces
    bool yes = false;  // no question before
    bool keep = false; // no wait after: confirm at once when everything (and --check) succeeded
    bool dry_run = false;
    bool allow_interrupt = false;   // also what could cut the session it is typed in
    std::vector<std::string> probe; // --probe: who tells whether the path carries a larger MTU
    bool no_probe = false;
    bool route_mtu = false; // a larger MTU for direct neighbours only
    // The command's own question after the last write; see apply::ApplyOptions.
    std::function<Result<void>(kernel::Kernel&)> verify;
};
void add_apply_flags(CLI::App& app, ApplyFlags& flags);

// Runs a plan to its end and prints what happened; gives the exit code.
int run_plan(const Plan& reviewed, const std::string& plan_text, kernel::Kernel& kernel, const ApplyFlags& flags,
             const Globals& globals);

// One block a step, warnings, and how it stands.
std::string receipt_text(const apply::Receipt& receipt, const report::Style& style);

} // namespace netwright::cli
