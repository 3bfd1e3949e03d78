// SPDX-License-Identifier: GPL-2.0-or-later
// A cost report for people and for machines.
#pragma once

#include "model/cost.h"
#include "report/terminal.h"

#include <string>

namespace netwright::report {

std::string cost_text(const CostReport& report, const Style& style);
std::string cost_json(const CostReport& report);

} // namespace netwright::report
