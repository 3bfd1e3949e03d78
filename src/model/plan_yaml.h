// SPDX-License-Identifier: GPL-2.0-or-later
// The YAML form of a Plan (docs/formats/plan.md), made for review and for git. Reading back gives the same value.
#pragma once

#include "model/plan.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// Begins with comments that tell a reviewer for which host, why, and with which numbers.
std::string to_yaml(const Plan& plan);
// Malformed, with file:line:column and what to do: unknown fields and tunables, a tunable twice, values of the wrong
// type, hostile text. Unsupported: written by a newer netwright.
Result<Plan> plan_from_yaml(std::string_view text, std::string_view filename);

// Where each change of such a text begins, for whoever complains of one; empty when it is no plan.
std::vector<unsigned> change_lines(std::string_view text);

} // namespace netwright
