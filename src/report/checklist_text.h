// SPDX-License-Identifier: GPL-2.0-or-later
// A checklist for people and for machines.
#pragma once

#include "model/checklist.h"
#include "report/terminal.h"

#include <span>
#include <string>

namespace netwright::report {

std::string checklist_text(std::span<const ChecklistStep> steps, const Style& style);
std::string checklist_json(std::span<const ChecklistStep> steps);

} // namespace netwright::report
