// SPDX-License-Identifier: GPL-2.0-or-later
// A process of our own program that outlives terminal, session and parent.
#pragma once

#include "apply/process.h"
#include "base/error.h"

#include <filesystem>
#include <functional>

namespace netwright::apply {

// How the new process tells its parent that it is ready, or why it cannot be. To be called once.
using Ready = std::function<void(const Result<void>&)>;

// Runs `life` in a new session: SIGHUP ignored, SIGTERM and SIGINT blocked (for sigtimedwait), no descriptor inherited,
// standard output and error in `log`, working directory /. Returns when it has called ready: its mark, or its error.
// Interrupted: it ended without a word. The caller must hold no SQLite connection.
Result<ProcessMark> start_detached(const std::filesystem::path& log, const std::function<void(const Ready&)>& life);

// The control group a process of this group should move to so that the end of a login session does not end it; "" when
// there is no need. `own` is /proc/self/cgroup's text.
std::string session_cgroup_of(std::string_view own);

} // namespace netwright::apply
