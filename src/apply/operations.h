// SPDX-License-Identifier: GPL-2.0-or-later
// Keeping and undoing a journaled transaction: what the owner, `confirm`, `rollback`, `recover` and the watchdog share.
// Whoever calls these holds the lock.
#pragma once

#include "apply/journal.h"
#include "apply/undo.h"

namespace netwright::apply {

// A value that somebody else has changed since: refuse to undo anything, leave that one, or write over it.
enum class IfChanged { Refuse, Leave, Overwrite };

// Sets the state and the time of it.
void stamp(Record& record, State state);

// What the owner should know of the values that were set.
std::vector<std::string> consequences(const Record& record);

// Makes an Applied (or half kept) transaction last and closes it. After a failure it waits as before, and its deadline
// stands. Rejected: its time is over.
Result<Receipt> keep(kernel::Kernel& kernel, Journal& journal, Record& record);

// Puts everything back, takes it out of sysctl.d and closes it. Mismatch (with Refuse): somebody changed a value;
// nothing was touched. When a value cannot be put back the transaction stays open for `recover`, except with
// Overwrite: then it is closed as Failed, with a note.
Result<Receipt> undo(kernel::Kernel& kernel, Journal& journal, Record& record, IfChanged changed);

// What a transaction that nobody looks after needs now, if anything: closing, undoing, finishing a confirm. Nothing to
// do: an empty receipt in its present state.
Result<Receipt> settle(kernel::Kernel& kernel, Journal& journal, Record& record);
bool has_expired(const Record& record, const std::string& boot_id, BootTime now);

// Closes a transaction whose network namespace, and with it every value, does not exist any more.
Result<Receipt> close_as_gone(Journal& journal, Record& record, const std::string& why);

// Runs `act` with a kernel of the namespace `record` belongs to: the one given, or in a thread that goes there and
// ends. Absent: the namespace is gone.
Result<Receipt> in_namespace_of(const Record& record, kernel::Kernel& kernel,
                                const std::function<Result<Receipt>(kernel::Kernel&)>& act);

} // namespace netwright::apply
