// SPDX-License-Identifier: GPL-2.0-or-later
// The words for levels.
#include "model/diagnostic.h"

#include "model/words.h"

#include <array>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 3> levels{"note", "warning", "error"};

} // namespace

std::string_view to_text(Level level) { return levels[static_cast<std::size_t>(level)]; }

Result<Level> parse_level(std::string_view text) { return word_to<Level>("level", levels, text); }

} // namespace netwright
