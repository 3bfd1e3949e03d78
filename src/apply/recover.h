// SPDX-License-Identifier: GPL-2.0-or-later
// What other processes do with a transaction: confirm it, roll it back, or clean up after a crash.
#pragma once

#include "apply/operations.h"

#include <optional>

namespace netwright::apply {

// Keeps the transaction that waits (or `id`). Rejected: nothing waits, or it is too late.
Result<Receipt> confirm(kernel::Kernel& kernel, Journal& journal, std::optional<std::int64_t> id);

// Undoes `id`, or else the open transaction, or else the last confirmed one. Mismatch: somebody changed a value since;
// ask, then call again with Overwrite (or Leave, to put back only what is ours).
Result<Receipt> rollback(kernel::Kernel& kernel, Journal& journal, std::optional<std::int64_t> id, IfChanged changed);

// After a crash or at boot: settles every open transaction that nobody looks after, and removes undo scripts of closed
// ones. One that still waits to be confirmed is left, with a new watchdog if its own has died. A transaction that
// cannot be settled stays open; its receipt has the reason among its warnings.
Result<std::vector<Receipt>> recover(kernel::Kernel& kernel, Journal& journal);

} // namespace netwright::apply
