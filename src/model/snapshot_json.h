// SPDX-License-Identifier: GPL-2.0-or-later
// The JSON form of a Snapshot (docs/formats/snapshot.md). Reading back gives the same value.
#pragma once

#include "model/snapshot.h"

#include <string>
#include <string_view>

namespace netwright {

std::string to_json(const Snapshot& snapshot);
// Malformed with a JSON pointer to the first thing that does not fit ("/nics/0/mtu: a number is expected");
// Unsupported when the schema is newer than this program.
Result<Snapshot> snapshot_from_json(std::string_view text);

} // namespace netwright
