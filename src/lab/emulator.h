// SPDX-License-Identifier: GPL-2.0-or-later
// The path between two namespaces, in user space: two TUN devices with segmentation offload, one thread that reads
// both and lets packets out when they are due. It works on every kernel with /dev/net/tun, netem or not, and so the
// same numbers mean the same everywhere. How late it was itself is kept: a run in which it was late does not count.
#pragma once

#include "base/fd.h"
#include "lab/link.h"

#include <atomic>
#include <cstdint>

namespace netwright::lab {

struct EmulatorReport {
    std::uint64_t lateness_p50_ns = 0, lateness_p99_ns = 0, lateness_most_ns = 0; // of packets let out
    std::uint64_t passed = 0;                                                     // segments
    std::uint64_t lost = 0, overflowed = 0;                                       // as the path was asked to
    std::uint64_t vanished = 0;   // larger than the black hole lets through
    std::uint64_t own_losses = 0; // packets a device did not take: the emulator's fault
};

// Runs until `ended` (looked at ten times a second). `left` and `right` are TUN devices with virtio-net headers, whose
// reads do not block.
EmulatorReport emulate(const Fd& left, const Fd& right, const PathSettings& path, const std::atomic<bool>& ended);

// A TUN device in the calling thread's network namespace: up, with this address (of a /30), MTU and offload.
Result<Fd> open_tun(const std::string& name, const std::string& address, std::uint32_t mtu);

// Memory locked and real-time priority, where the rights allow it: less lateness.
void hurry();

} // namespace netwright::lab
