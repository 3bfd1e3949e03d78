// SPDX-License-Identifier: GPL-2.0-or-later
// What sends the frames that are measured: the same ones for every way.
#pragma once

#include "dataplane/ways_network.h"

#include <atomic>
#include <chrono>
#include <optional>

namespace netwright::dataplane {

struct WayLoad {
    std::chrono::nanoseconds duration{};
    std::optional<double> rate; // packets a second; nothing: as many as possible
    bool live_frames = true;    // by the kernel itself (BPF_PROG_TEST_RUN, Linux 5.18), or by a packet socket
    const std::atomic<bool>* cancelled = nullptr;
};

struct WaySent {
    std::uint64_t packets = 0;
    double seconds = 0;
};

// Sends from `source`, in the calling thread. Interrupted: it was cancelled. The program's gap is the load's.
Result<WaySent> generate(WaysProgram& program, const WayPort& source, const WayFrame& frame, const WayLoad& load);

// Whether this kernel can send live frames: it is tried. Refused: no rights.
Result<bool> has_live_frames();

} // namespace netwright::dataplane
