// SPDX-License-Identifier: GPL-2.0-or-later
// The numbers a plan's formulas start from, each with where it comes from, so that they can be disputed.
#pragma once

#include "model/intent.h"
#include "model/plan.h"
#include "model/snapshot.h"

#include <vector>

namespace netwright::plan {

std::vector<PlanInput> inputs(const Snapshot& host, const Intent& intent);

} // namespace netwright::plan
