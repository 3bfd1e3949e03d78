// SPDX-License-Identifier: GPL-2.0-or-later
// An audit for programs: docs/formats/audit.md describes every field.
#pragma once

#include "model/finding.h"
#include "model/intent.h"
#include "model/snapshot.h"

#include <string>

namespace netwright::report {

inline constexpr int audit_schema = 1;

// Indented JSON with a newline at its end. Always valid UTF-8, whatever the host's names hold.
std::string audit_json(const Judgement& judgement, const Snapshot& snapshot, const Intent& intent);

} // namespace netwright::report
