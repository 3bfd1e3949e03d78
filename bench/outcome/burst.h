// SPDX-License-Identifier: GPL-2.0-or-later
// Many connections within a moment, to a program that does not accept meanwhile: what an accept queue is for.
#pragma once

#include "lab/lab.h"

#include "outcome/scenario.h"

namespace netwright::outcome {

// Each client connects, sends a byte and waits for one: microseconds from the start of its connection to its answer,
// at the 99th percentile. A client without an answer counts as long as was waited, 10 s after the burst.
Result<double> answered_p99(const lab::Lab& lab, const Burst& burst);

} // namespace netwright::outcome
