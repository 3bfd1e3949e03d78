// SPDX-License-Identifier: GPL-2.0-or-later
// A search as JSON text and back (docs/formats/search.md).
#pragma once

#include "model/search.h"

namespace netwright {

std::string to_json(const SearchRecord& record);
// Malformed: not one of these, or points outside their dimensions. Unsupported: of a newer schema.
Result<SearchRecord> search_from_json(std::string_view text);

} // namespace netwright
