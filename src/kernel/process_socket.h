// SPDX-License-Identifier: GPL-2.0-or-later
// Another process's sockets, as descriptors of our own.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <vector>

namespace netwright::kernel {

struct ProcessSocket {
    Fd fd; // of the same socket, not of a copy
    int family = 0, type = 0, protocol = 0;
    std::uint16_t port = 0;   // that it is bound to; 0: none
    bool listening = false;   // for TCP connections
    std::uint64_t cookie = 0; // never given again until the next boot
};

// All that the process holds, each once. Absent: no such process. Refused: not ours to look into. Unsupported: the
// kernel is older than Linux 5.6 (pidfd_getfd).
Result<std::vector<ProcessSocket>> sockets_of_process(std::uint32_t pid);

} // namespace netwright::kernel
