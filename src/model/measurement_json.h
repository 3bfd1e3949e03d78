// SPDX-License-Identifier: GPL-2.0-or-later
// A Measurement as JSON text and back (docs/formats/measurement.md).
#pragma once

#include "model/measurement.h"

namespace netwright {

std::string to_json(const Measurement& measurement); // one line: many of them make a file
// Malformed: not one of these. Unsupported: of a newer schema.
Result<Measurement> measurement_from_json(std::string_view text);

} // namespace netwright
