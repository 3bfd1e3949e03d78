// SPDX-License-Identifier: GPL-2.0-or-later
// The ssh connection this command was typed over, if any, and what of a plan could cut it.
#pragma once

#include "kernel/kernel.h"
#include "model/plan.h"
#include "plan/session.h"

#include <optional>

namespace netwright::cli {

// The addresses in SSH_CONNECTION, here or in the process above us that still has it, whatever way its packets take.
std::optional<plan::Session> ssh_session(const kernel::Files& files);

// From SSH_CONNECTION, here or in the process above us that still has it (sudo takes it away); with the interfaces its
// packets leave through. Nothing: no ssh, or no way to tell.
std::optional<plan::Session> session_here(kernel::Kernel& kernel);

// Rejected, naming the changes, when the plan could cut the session and nobody said --allow-interrupt; or said so and
// wants to keep it without a deadline.
Result<void> guard_session(const Plan& plan, const std::optional<plan::Session>& session, bool allow_interrupt,
                           bool has_deadline);

} // namespace netwright::cli
