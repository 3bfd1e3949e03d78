// SPDX-License-Identifier: GPL-2.0-or-later
// The commands around a tuning campaign: what it costs, how far it is; and the words a shell completes.
#pragma once

#include "cli/command.h"

namespace netwright::cli {

Action declare_cost(CLI::App& app, const Globals& globals);
Action declare_checklist(CLI::App& app, const Globals& globals);
Action declare_completion(CLI::App& app, const Globals& globals);

} // namespace netwright::cli
