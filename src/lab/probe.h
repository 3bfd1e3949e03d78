// SPDX-License-Identifier: GPL-2.0-or-later
// How long packets take across a lab, without what programs add: a datagram's departure is the moment around send(),
// its arrival is the kernel's own stamp, taken when the emulator hands it over (SO_TIMESTAMPNS). On a busy host a
// program wakes up milliseconds after its packet came; that is no delay of the path.
#pragma once

#include "lab/lab.h"
#include "model/histogram.h"

#include <chrono>
#include <cstddef>

namespace netwright::lab {

enum class Heading { There, Back }; // from left to right, or from right to left

struct ProbeResult {
    Histogram delay_ns;        // of those that arrived
    std::size_t sent = 0;      // that count
    std::size_t disturbed = 0; // the sender was held up inside send(): when they left is not known
};

// `count` datagrams, `spacing` apart. Interrupted: the wall clock was stepped meanwhile, or nothing arrived within
// `patience` after the last one.
Result<ProbeResult> probe(const Lab& lab, Heading heading, std::size_t count, std::chrono::microseconds spacing,
                          std::chrono::milliseconds patience);

} // namespace netwright::lab
