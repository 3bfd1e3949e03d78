// SPDX-License-Identifier: GPL-2.0-or-later
// The processes of a host by their short names, from one pass over /proc.
#pragma once

#include "kernel/files.h"

#include <cstdint>
#include <string>
#include <vector>

namespace netwright::host {

struct Process {
    std::uint64_t pid = 0;
    std::string command; // /proc/PID/comm: at most 15 bytes
};

// By PID. Those that end meanwhile are left out.
Result<std::vector<Process>> list_processes(const kernel::Files& files);

} // namespace netwright::host
