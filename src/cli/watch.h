// SPDX-License-Identifier: GPL-2.0-or-later
// Counters that are printed again and again.
#pragma once

#include "cli/command.h"

#include <functional>

namespace netwright::cli {

void add_watch_flag(CLI::App& app, double& seconds); // --watch
// Prints what `text` gives; where `seconds` is not 0 again after each of them, until it fails.
Result<void> print_again(double seconds, const std::function<Result<std::string>()>& text);

} // namespace netwright::cli
