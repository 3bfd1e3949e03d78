// SPDX-License-Identifier: GPL-2.0-or-later
// The process that puts everything back when its owner, the terminal or the ssh session is gone.
#pragma once

#include "apply/journal.h"
#include "apply/process.h"
#include "kernel/kernel.h"

namespace netwright::apply {

// Forks twice into a session of its own and returns once the watchdog has read the transaction and says it is ready.
// It undoes the transaction when
//   - the deadline has passed without a confirm,
//   - the owner has died before the transaction was applied, or before it was kept where there is no deadline,
//   - it is asked to end (SIGTERM),
// and ends when the transaction is closed. Neither SIGHUP nor the end of the session reaches it, and on a host with
// systemd it leaves the session's control group, so that KillUserProcesses=yes does not either.
Result<ProcessMark> start_watchdog(const kernel::Kernel& kernel, Journal& journal, std::int64_t transaction);

} // namespace netwright::apply
