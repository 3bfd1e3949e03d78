// SPDX-License-Identifier: GPL-2.0-or-later
// What can be done with a tunable on a live (or captured) system: read, check, write, compare. One file a kind, one
// list of kinds.
#pragma once

#include "kernel/kernel.h"
#include "model/change.h"

#include <optional>
#include <string>
#include <vector>

namespace netwright::tunable {

// The present value; nothing if the place exists but holds nothing. Absent: no such key, link or queue here.
Result<std::optional<Value>> read(kernel::Kernel& kernel, const Tunable& tunable);
// Would the kernel and good sense take this value? Catalogue first, then what this system can tell (CPU numbers, MTU
// limits).
Result<void> check(kernel::Kernel& kernel, const Tunable& tunable, const Value& value);
// Writes without reading back: the transaction does that.
Result<void> write(kernel::Kernel& kernel, const Tunable& tunable, const Value& value);
// Makes the place hold nothing again, as read() found it.
Result<void> clear(kernel::Kernel& kernel, const Tunable& tunable);
// Equal by meaning: blanks in lists, masks and lists of CPUs, what the kernel rounds.
bool same(const Tunable& tunable, const Value& a, const Value& b);
bool same(const Tunable& tunable, const std::optional<Value>& a, const std::optional<Value>& b);
// Other tunables that the kernel itself changes when this one is written (conf.all.forwarding sets every interface's),
// as far as they exist here: whoever undoes a write must put these back as well.
std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const Tunable& tunable);
// Every tunable of these kinds that exists on this system, sorted by text form.
Result<std::vector<Tunable>> list(kernel::Kernel& kernel);

// Where a tunable of the sysctl or queue kind lives, relative to the root ("proc/sys/net/core/somaxconn"); nothing for
// one that is no file. Rejected when the address leads out of /proc/sys.
Result<std::optional<std::string>> file_of(const Tunable& tunable);
// The text that write() hands to such a file, without the newline.
std::string file_text(const Value& value);

} // namespace netwright::tunable
