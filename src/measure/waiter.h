// SPDX-License-Identifier: GPL-2.0-or-later
// Which of a thread's flows can go on. Many flows share one epoll; a single flow needs none: it blocks by itself, which
// saves a system call for each message.
#pragma once

#include "measure/worker.h"

#include <sys/epoll.h>

#include <array>
#include <span>

namespace netwright::measure {

class Waiter {
public:
    // `events`: EPOLLIN or EPOLLOUT. More than one flow stops blocking.
    Waiter(const std::vector<Flow>& flows, std::uint32_t events);
    bool alone() const { return alone_; }
    // Indices of flows that are ready; empty after the timeout. Alone: the one flow, at once.
    std::span<const std::size_t> wait(std::chrono::nanoseconds timeout = std::chrono::milliseconds(100));
    void forget(const Flow& flow); // it has ended

private:
    static constexpr std::size_t most = 64;
    bool alone_;
    Fd epoll_;
    std::array<std::size_t, most> ready_{};
};

} // namespace netwright::measure
