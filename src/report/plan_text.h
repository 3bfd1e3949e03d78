// SPDX-License-Identifier: GPL-2.0-or-later
// A plan for review at a terminal: what changes, why, what it reaches, what was left out.
#pragma once

#include "model/plan.h"
#include "report/terminal.h"

#include <string>

namespace netwright::report {

// Changes in the order in which they are applied, then inputs, what was left out, advice, and a summary line.
std::string plan_text(const Plan& plan, const Style& style);

// "Plan: 7 to change, 2 left out."; "Nothing to change." for an empty plan.
std::string plan_summary(const Plan& plan);

} // namespace netwright::report
