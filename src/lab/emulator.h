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

struct TunAddresses {
    const char* four; // of a /30
    const char* six;  // of a /126; left out where the host has no IPv6, or the MTU is too small for it
};
// A TUN device in the calling thread's network namespace: up, with these addresses, MTU and offload.
Result<Fd> open_tun(const std::string& name, const TunAddresses& addresses, std::uint32_t mtu);

// Memory locked and real-time priority, where the rights allow it: less lateness.
void hurry();

} // namespace netwright::lab
