// SPDX-License-Identifier: GPL-2.0-or-later
// Processes that can be recognised again, and the clock that runs through suspend.
#pragma once

#include "base/error.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace netwright::apply {

// A process number is used again; together with its start time it is not.
struct ProcessMark {
    int pid = 0; // 0: none
    std::uint64_t start_ticks = 0;
    bool operator==(const ProcessMark&) const = default;
};

ProcessMark this_process();
Result<ProcessMark> mark_of(int pid); // Absent: no such process
bool is_alive(const ProcessMark& process);

// Since boot, suspended time included (CLOCK_BOOTTIME).
using BootTime = std::chrono::nanoseconds;
BootTime now_since_boot();

std::string utc_text(std::chrono::system_clock::time_point when); // "2026-11-21T01:02:03Z"

} // namespace netwright::apply
