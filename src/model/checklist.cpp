// SPDX-License-Identifier: GPL-2.0-or-later
// The words for marks.
#include "model/checklist.h"

#include <array>

namespace netwright {

std::string_view to_text(Mark mark)
{
    constexpr std::array<std::string_view, 5> words{"done", "partly", "open", "not needed", "unknown"};
    return words.at(static_cast<std::size_t>(mark));
}

} // namespace netwright
