// SPDX-License-Identifier: GPL-2.0-or-later
// The lists that softirq_rules() joins, one a file.
#pragma once

#include "advise/rule.h"

namespace netwright::advise {

std::span<const Rule> softirq_load_rules();     // softirq_load.cpp: which CPUs do the work, and how much of it
std::span<const Rule> softirq_steering_rules(); // softirq_steering.cpp: RPS, RFS, XPS
std::span<const Rule> softirq_affinity_rules(); // softirq_affinity.cpp: the same against nodes, interrupts, connections

} // namespace netwright::advise
