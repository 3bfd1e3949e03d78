// SPDX-License-Identifier: GPL-2.0-or-later
// What can be done with a tunable on a live (or captured) system: read, check, write, compare. One file a kind, one
// list of kinds.
#pragma once

#include "kernel/kernel.h"
#include "model/change.h"

#include <optional>
#include <vector>

namespace netwright::tunable {

// The present value; nothing if the place exists but holds nothing. Absent: no such key, link or queue here.
Result<std::optional<Value>> read(kernel::Kernel& kernel, const Tunable& tunable);
// Would the kernel and good sense take this value? Catalogue first, then what this system can tell (CPU numbers, MTU
// limits).
Result<void> check(kernel::Kernel& kernel, const Tunable& tunable, const Value& value);
// Writes without reading back: the transaction does that.
Result<void> write(kernel::Kernel& kernel, const Tunable& tunable, const Value& value);
// Equal by meaning: blanks in lists, masks and lists of CPUs, what the kernel rounds.
bool same(const Tunable& tunable, const Value& a, const Value& b);
// Every tunable of these kinds that exists on this system, sorted by text form.
Result<std::vector<Tunable>> list(kernel::Kernel& kernel);

} // namespace netwright::tunable
