// SPDX-License-Identifier: GPL-2.0-or-later
// Readiness for kernel bypass, for people and for machines.
#pragma once

#include "model/bypass.h"
#include "report/terminal.h"

#include <string>

namespace netwright::report {

std::string bypass_text(const BypassReport& report, const Style& style);
std::string bypass_json(const BypassReport& report); // docs/commands: {"host": [...], "nics": [...]}

} // namespace netwright::report
