// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting for flows.
#include "measure/waiter.h"

#include <cerrno>

namespace netwright::measure {

Waiter::Waiter(const std::vector<Flow>& flows, std::uint32_t events) : alone_(flows.size() == 1)
{
    if (alone_) return;
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    for (std::size_t i = 0; i < flows.size(); ++i) {
        (void)set_blocking(flows[i].socket, false);
        epoll_event event{events, {.u64 = i}};
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, flows[i].socket.get(), &event);
    }
}

std::span<const std::size_t> Waiter::wait(std::chrono::nanoseconds timeout)
{
    if (alone_) return {ready_.data(), 1}; // holds 0: the first flow
    std::array<epoll_event, most> events;
    const timespec patience{timeout.count() / 1'000'000'000, timeout.count() % 1'000'000'000};
    int count = ::epoll_pwait2(epoll_.get(), events.data(), most, &patience, nullptr);
    if (count < 0 && errno == ENOSYS) // Linux 5.11 brought nanoseconds
        count =
            ::epoll_wait(epoll_.get(), events.data(), most, static_cast<int>((timeout.count() + 999'999) / 1'000'000));
    for (int i = 0; i < count; ++i)
        ready_[static_cast<std::size_t>(i)] = events[static_cast<std::size_t>(i)].data.u64;
    return {ready_.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

void Waiter::forget(const Flow& flow)
{
    if (!alone_) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, flow.socket.get(), nullptr);
}

} // namespace netwright::measure
