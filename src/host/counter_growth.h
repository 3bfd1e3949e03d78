// SPDX-License-Identifier: GPL-2.0-or-later
// Growth between two samples of the counters in /proc: pairs by CPU number, name or interrupt, never by position, as
// CPUs come and go. What was not there before counted since an unknown time: its growth stays 0.
#pragma once

#include "model/counter.h"
#include "model/host.h"
#include "model/network.h"

#include <vector>

namespace netwright::host {

void grow_since(std::vector<SoftnetCpu>& now, const std::vector<SoftnetCpu>& earlier); // 32 bits: wraps
void grow_since(std::vector<CpuTimes>& now, const std::vector<CpuTimes>& earlier);
void grow_since(InterruptTable& now, const InterruptTable& earlier); // 32 bits: wraps
void grow_since(PressureSet& now, const PressureSet& earlier);

} // namespace netwright::host
