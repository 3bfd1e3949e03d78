// SPDX-License-Identifier: GPL-2.0-or-later
// The kinds of tunables, described from the registry: for `netwright list --kinds` and docs/tunables.md.
#pragma once

#include <string>

namespace netwright::cli {

std::string kinds_text();     // for people at a terminal
std::string kinds_markdown(); // docs/tunables.md; tests/cli/kinds_test.cpp holds the file against it

} // namespace netwright::cli
