// SPDX-License-Identifier: GPL-2.0-or-later
// Who else on this host sets a value, at boot, when an interface comes up or when a service starts: so that nobody
// wonders why a confirmed value is gone.
#pragma once

#include "kernel/files.h"
#include "model/tunable.h"

#include <string>
#include <vector>

namespace netwright::host {

// One line each: "tuned profile throughput-performance sets net.core.somaxconn (/usr/lib/tuned/…/tuned.conf)". Files
// only; what could not be read is nobody.
std::vector<std::string> rivals_for(const kernel::Files& files, const Tunable& tunable);

} // namespace netwright::host
