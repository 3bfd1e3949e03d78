// SPDX-License-Identifier: GPL-2.0-or-later
// The words of readiness.
#include "model/bypass.h"

#include <array>

namespace netwright {

std::string_view to_text(BypassCheck::State state)
{
    constexpr std::array<std::string_view, 4> names{"ready", "missing", "partly", "unknown"};
    return names.at(static_cast<std::size_t>(state));
}

} // namespace netwright
