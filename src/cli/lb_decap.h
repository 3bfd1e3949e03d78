// SPDX-License-Identifier: GPL-2.0-or-later
// The backend's half of netwright lb.
#pragma once

#include "base/error.h"

#include <functional>

namespace CLI {
class App;
}

namespace netwright::cli {

struct Globals;

std::function<Result<void>()> declare_decap(CLI::App& app, const Globals& globals);

} // namespace netwright::cli
