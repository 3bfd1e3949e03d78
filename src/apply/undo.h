// SPDX-License-Identifier: GPL-2.0-or-later
// Putting old values back, newest first, as far as they are still ours to put back.
#pragma once

#include "apply/receipt.h"
#include "kernel/kernel.h"

#include <functional>

namespace netwright::apply {

// What to do with a value that somebody else has changed since.
enum class Foreign { Leave, Overwrite };

// Reads every step, writes what must be written, reads it back. Touches no journal and never stops early: a step that
// cannot be put back must not keep the others from it. `record.state` says whether the steps were complete: in a record
// that is Applying the last step marked Writing is in doubt and is put back whatever it holds.
std::vector<StepReport> put_back(kernel::Kernel& kernel, const Record& record, Foreign foreign);

// The steps whose value is neither what we wrote nor what was there before.
std::vector<StepReport> changed_since(kernel::Kernel& kernel, const Record& record);

} // namespace netwright::apply
