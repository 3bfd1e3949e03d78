// SPDX-License-Identifier: GPL-2.0-or-later
// Two snapshots of one host, taken apart: how much every counter grew in between.
#pragma once

#include "model/snapshot.h"

namespace netwright::host {

// Fills every growth of `now`, and its interval, from an earlier snapshot. Mismatch: another host, another boot or
// another network namespace. Rejected: `earlier` is not the earlier one.
Result<Snapshot> since(const Snapshot& earlier, Snapshot now);

// The same for two snapshots that were just taken, `interval` apart.
void grow_since(Snapshot& now, const Snapshot& earlier, std::chrono::milliseconds interval);

} // namespace netwright::host
