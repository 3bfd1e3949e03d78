// SPDX-License-Identifier: GPL-2.0-or-later
// What lint reads: files, directories and what this host loads; and what it judges for.
#pragma once

#include "cli/command.h"
#include "lint/lint.h"

#include <string>
#include <vector>

namespace netwright::cli {

// Files in the order given; the directories among them merged by sysctl.d's precedence, where the first of them stands.
// A file that cannot be read becomes a source with a problem. "-" is stdin.
Result<std::vector<SourceText>> lint_sources(const std::vector<std::string>& paths);
// What this host applies at boot, in its order.
Result<std::vector<SourceText>> system_lint_sources(const kernel::Kernel& kernel);

// This host: kernel, HZ, memory, interfaces, keys, modules loaded at boot.
Result<lint::Target> this_host(const kernel::Kernel& kernel);

} // namespace netwright::cli
