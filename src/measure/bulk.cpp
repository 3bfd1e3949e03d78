// SPDX-License-Identifier: GPL-2.0-or-later
// Bulk data one way, as fast as TCP takes it.
#include "measure/jobs.h"
#include "measure/waiter.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace netwright::measure {
namespace {

constexpr std::size_t receive_size = 256U << 10;
constexpr std::size_t discard_size = 16U << 20; // MSG_TRUNC copies nothing: whatever is there
constexpr std::uint32_t most_outstanding = 64;  // sends whose pages the kernel still holds

// Takes completions off the error queue: the pages of so many sends are ours again.
std::uint32_t completed(int socket)
{
    std::uint32_t count = 0;
    for (;;) {
        alignas(cmsghdr) std::array<char, 128> control;
        msghdr message{};
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        if (::recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return count;
        for (cmsghdr* one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
            const auto* error = reinterpret_cast<const sock_extended_err*>(CMSG_DATA(one));
            if (error->ee_origin == SO_EE_ORIGIN_ZEROCOPY) count += error->ee_data - error->ee_info + 1;
        }
    }
}

// One sender's state beside its socket.
struct Pages {
    std::uint32_t outstanding = 0;
    void collect(int socket)
    {
        while (outstanding > most_outstanding) {
            const std::uint32_t freed = completed(socket);
            outstanding -= std::min(outstanding, freed);
            if (freed > 0) continue;
            pollfd wait{socket, 0, 0}; // POLLERR is always asked for
            if (::poll(&wait, 1, 100) <= 0 || (wait.revents & (POLLHUP | POLLNVAL)) != 0) return;
        }
    }
};

// Limits each flow with the kernel's own pacing.
void pace(const std::vector<Flow>& flows, const Work& work)
{
    if (work.rate <= 0) return;
    const auto bytes = static_cast<std::uint64_t>(work.rate / 8 / static_cast<double>(flows.size()));
    for (const Flow& flow : flows)
        ::setsockopt(flow.socket.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &bytes, sizeof bytes);
}

// With MSG_TRUNC TCP counts bytes and copies none, so the size may be beyond the buffer's (tcp(7)). Asked of the kernel
// directly, because the address sanitizer takes what recv returns for bytes written.
ssize_t discard_from(int socket, char* unused)
{
    return ::syscall(SYS_recvfrom, socket, unused, discard_size, MSG_TRUNC, nullptr, nullptr);
}

} // namespace

bool sleep_until(Deadline due)
{
    const auto least = std::min(due, Clock::now() + std::chrono::milliseconds(100));
    const auto ns = std::chrono::nanoseconds(least.time_since_epoch()).count();
    const timespec until{ns / 1'000'000'000, ns % 1'000'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    return Clock::now() >= due;
}

void send_bulk(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    const std::vector<char> data(work.traffic.message, 'n');
    std::vector<Pages> pages(flows.size());
    const int flags = MSG_NOSIGNAL | (work.traffic.zerocopy ? MSG_ZEROCOPY : 0);
    pace(flows, work);
    Waiter waiter(flows, EPOLLOUT);
    while (!work.stopped())
        for (const std::size_t i : waiter.wait()) {
            const int socket = flows[i].socket.get();
            const ssize_t sent = ::send(socket, data.data(), data.size(), flags);
            if (sent > 0) {
                tally.sent.add(static_cast<std::uint64_t>(sent));
                if (work.traffic.zerocopy) ++pages[i].outstanding;
            } else if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
                return break_down(work, tally, "send bulk data", errno);
            }
            if (work.traffic.zerocopy) pages[i].collect(socket);
        }
}

void receive_bulk(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    std::vector<char> data(receive_size);
    const bool discard = work.traffic.discard;
    Waiter waiter(flows, EPOLLIN);
    for (std::size_t open = flows.size(); open > 0 && !work.stopped();)
        for (const std::size_t i : waiter.wait()) {
            const int socket = flows[i].socket.get();
            const ssize_t got =
                discard ? discard_from(socket, data.data()) : ::recv(socket, data.data(), data.size(), 0);
            if (got > 0) {
                tally.received.add(static_cast<std::uint64_t>(got));
            } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
                waiter.forget(flows[i]);
                --open;
            }
        }
}

} // namespace netwright::measure
