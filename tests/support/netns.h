// SPDX-License-Identifier: GPL-2.0-or-later
// A network namespace for a test: made empty, entered, left and gone again with the object.
#pragma once

#include "kernel/kernel.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace support {

inline bool is_root() { return ::geteuid() == 0; }

// While it lives the calling thread, and every program it starts, is in a new namespace whose only device is lo (down).
// It has no name, so nothing is left behind even if the test is killed. Use it from the main thread: /proc/net shows
// the namespace of the process's first thread.
class Netns {
public:
    Netns() : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC))
    {
        if (home_ < 0 || ::unshare(CLONE_NEWNET) != 0) throw std::runtime_error("a network namespace needs root");
    }
    ~Netns()
    {
        if (::setns(home_, CLONE_NEWNET) != 0) { // going on would change the host
            std::perror("leave a test's network namespace");
            std::abort();
        }
        ::close(home_);
    }
    Netns(const Netns&) = delete;
    Netns& operator=(const Netns&) = delete;

    // The doors of this namespace, sys/class/net included.
    netwright::kernel::Kernel kernel() const
    {
        auto doors = netwright::kernel::Kernel::live_in_namespace();
        if (!doors) throw std::runtime_error(doors.error().what);
        return *std::move(doors);
    }

private:
    int home_;
};

} // namespace support
