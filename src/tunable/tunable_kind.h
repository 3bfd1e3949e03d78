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
// What stops working with this value, in a sentence for whoever sets it; "": nothing that its name does not say.
std::string consequence(const Tunable& tunable, const Value& value);
// A tunable that exists here, and its value.
struct Reading {
    Tunable tunable;
    Result<std::optional<Value>> value;
};
// Every tunable that exists on this system, with its value, sorted by text form: one dump a kind where the kernel has
// one.
Result<std::vector<Reading>> list_values(kernel::Kernel& kernel);
Result<std::vector<Tunable>> list(kernel::Kernel& kernel);

// A line of shell that puts `from` back, for the day when netwright itself is broken.
std::string undo_command(const Tunable& tunable, const std::optional<Value>& from);

// For the documentation: the name of each kind (as in model/tunable_kinds.h) and where the kernel keeps it.
struct KindSource {
    std::string_view name, source;
};
std::vector<KindSource> sources();

// The text that write() hands to such a file, without the newline.
std::string file_text(const Value& value);

} // namespace netwright::tunable
