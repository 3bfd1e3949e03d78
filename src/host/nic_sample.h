// SPDX-License-Identifier: GPL-2.0-or-later
// The counters of the interfaces without their settings: the cheap half of collect_nics, for a second look.
#pragma once

#include "kernel/kernel.h"
#include "model/nic.h"

#include <vector>

namespace netwright::host {

// All interfaces with name, index, statistics, carrier changes and driver statistics; every other reading is unseen.
// Costs one RTM_GETLINK dump and, for each interface whose driver counts, one ioctl. Good as either side of
// grow_since().
Result<std::vector<Nic>> sample_nics(kernel::Kernel& kernel);

// Takes a new sample and puts its totals, and their growth since the old ones, into `nics`. What has vanished keeps its
// old totals with growth 0; what has appeared is left out, as nothing else is known of it. On failure `nics` is as it
// was.
Result<void> resample_nics(kernel::Kernel& kernel, std::vector<Nic>& nics);

} // namespace netwright::host
