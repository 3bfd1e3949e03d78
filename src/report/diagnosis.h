// SPDX-License-Identifier: GPL-2.0-or-later
// A diagnosis for people and for machines.
#pragma once

#include "model/diagnosis.h"
#include "report/terminal.h"

#include <string>

namespace netwright::report {

std::string diagnosis_text(const Diagnosis& diagnosis, const Style& style);
// docs/formats/diagnosis.md
std::string diagnosis_json(const Diagnosis& diagnosis);

} // namespace netwright::report
