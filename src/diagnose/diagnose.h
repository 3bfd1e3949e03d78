// SPDX-License-Identifier: GPL-2.0-or-later
// From two moments of a host to what is wrong with its traffic. Pure: what it says follows from its arguments.
#pragma once

#include "model/diagnosis.h"

#include <vector>

#include "diagnose/cause.h"

namespace netwright::diagnose {

// Every cause there is, in the order of the packet's way.
std::vector<const Cause*> all_causes();

// `now` holds the growth of its counters since `before` (host::since() fills it).
Diagnosis diagnose(const Scene& scene, const std::vector<Symptom>& symptoms);

} // namespace netwright::diagnose
