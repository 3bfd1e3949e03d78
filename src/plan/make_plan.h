// SPDX-License-Identifier: GPL-2.0-or-later
// From findings to an ordered, conflict-free plan. Pure: the same judgement, snapshot and intent give the same plan.
#pragma once

#include "model/finding.h"
#include "model/intent.h"
#include "model/plan.h"
#include "model/snapshot.h"

namespace netwright::plan {

// At most one change a tunable; none that would leave a value as it is. What is left out says why:
// protected, too risky, a convention nobody asked for, a capacity lowered without a reason, a value the catalogue
// refuses, outranked by another finding (docs/decisions/003-what-a-plan-leaves-out.md).
Plan make_plan(const Judgement& judgement, const Snapshot& host, const Intent& intent);

} // namespace netwright::plan
