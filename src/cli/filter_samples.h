// SPDX-License-Identifier: GPL-2.0-or-later
// netwright filter samples: a subcommand of filter, declared by it.
#pragma once

#include "cli/command.h"

#include <functional>

namespace netwright::cli {

std::function<Result<void>()> declare_filter_samples(CLI::App& app, const Globals& globals);

} // namespace netwright::cli
