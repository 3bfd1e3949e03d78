// SPDX-License-Identifier: GPL-2.0-or-later
// The owner's own test of a changed host: a shell command that must succeed within a time.
#pragma once

#include "base/error.h"

#include <chrono>
#include <string>

namespace netwright::apply {

// Runs `command` with sh -c in a process group of its own, standard input empty. Rejected: it failed, was ended by a
// signal, or did not end in time (then its whole group is ended).
Result<void> run_check(const std::string& command, std::chrono::milliseconds timeout);

} // namespace netwright::apply
