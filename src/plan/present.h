// SPDX-License-Identifier: GPL-2.0-or-later
// What a snapshot says a tunable holds now.
#pragma once

#include "model/change.h"
#include "model/snapshot.h"

#include <optional>

namespace netwright::plan {

// Absent: this host has no such key, link or queue. Other errors: it is there, but could not be read.
Result<std::optional<Value>> present(const Snapshot& host, const Tunable& tunable);

} // namespace netwright::plan
