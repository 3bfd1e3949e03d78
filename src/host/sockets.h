// SPDX-License-Identifier: GPL-2.0-or-later
// The cheap part of the socket summary by itself, for whoever looks often.
#pragma once

#include "kernel/kernel.h"
#include "model/sockets.h"

#include <vector>

namespace netwright::host {

// Listening TCP sockets with queue, limit, drops and owner, by port. Never walks the established hash: its cost depends
// on the number of listeners and processes, not of connections.
Result<std::vector<Listener>> collect_listeners(kernel::Kernel& kernel);

} // namespace netwright::host
