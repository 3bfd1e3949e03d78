// SPDX-License-Identifier: GPL-2.0-or-later
// netwright filter block, allow, unblock and blocks: subcommands of filter, declared by it.
#pragma once

#include "cli/command.h"
#include "dataplane/prefix.h"

#include <functional>
#include <memory>
#include <optional>

namespace netwright::cli {

// Whichever of them is called puts what is to be done into `chosen`.
void declare_filter_live(CLI::App& filter, const Globals& globals,
                         const std::shared_ptr<std::function<Result<void>()>>& chosen);

// Where the person who types this is logged in from, also behind sudo; nothing at the console.
std::optional<dataplane::Prefix> administrator();

} // namespace netwright::cli
