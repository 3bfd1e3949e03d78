// SPDX-License-Identifier: GPL-2.0-or-later
// Which proposals may become part of a plan, and why the others may not.
#pragma once

#include "model/finding.h"
#include "model/intent.h"
#include "model/snapshot.h"

#include <optional>
#include <string>

namespace netwright::plan {

struct Proposal {
    const Finding& finding;
    const Change& change; // its `from` is what the snapshot shows
};

// Why a proposal is left out, in words that stand under left_out; nothing: it may be planned.
std::optional<std::string> objection(const Proposal& proposal, const Intent& intent);

} // namespace netwright::plan
