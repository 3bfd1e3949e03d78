// SPDX-License-Identifier: GPL-2.0-or-later
// What a snapshot shows of queueing and routes.
#pragma once

#include "model/snapshot.h"
#include "model/tunable.h"

#include <optional>

namespace netwright::plan {

// A root qdisc that the kernel chose is nothing. Unsupported: one that somebody set, for its options are not seen.
Result<std::optional<Value>> qdisc_value(const Snapshot& host, const QdiscPlace& place);
// Absent: no such route. Rejected: several.
Result<std::optional<Value>> route_value(const Snapshot& host, const RouteSetting& setting);

} // namespace netwright::plan
