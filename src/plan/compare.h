// SPDX-License-Identifier: GPL-2.0-or-later
// Two values of one tunable: equal by meaning, higher, lower.
#pragma once

#include "model/change.h"

#include <optional>
#include <vector>

namespace netwright::plan {

// "4096\t131072" and the list 4096, 131072 are equal; so are CPU masks and lists.
bool same(const Tunable& tunable, const std::optional<Value>& a, const std::optional<Value>& b);
// A number, or a list of numbers, as a list; nothing for text and CPU sets.
std::optional<std::vector<std::int64_t>> numbers(const std::optional<Value>& value);
bool comparable(const std::optional<Value>& a, const std::optional<Value>& b); // numbers, equally many
// The same number of numbers, none below `from`, not all equal to it.
bool raises(const std::optional<Value>& from, const std::optional<Value>& to);
// The same number of numbers, at least one below `from`.
bool lowers(const std::optional<Value>& from, const std::optional<Value>& to);
Value elementwise_most(const Value& a, const Value& b); // which are comparable

} // namespace netwright::plan
