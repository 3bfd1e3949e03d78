// SPDX-License-Identifier: GPL-2.0-or-later
// Datagrams with a number, sent from one namespace and stamped in the other.
#include "lab/probe.h"

#include "base/fd.h"
#include "kernel/kernel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace netwright::lab {
namespace {

constexpr std::uint16_t port = 9; // discard (RFC 863): nobody answers
constexpr Nanos most_held_up = 50'000;
constexpr Nanos most_step = 100'000; // between the clocks, while probing

Nanos read_clock(clockid_t clock)
{
    timespec time{};
    ::clock_gettime(clock, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

Nanos wall_ahead() { return read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC); }

sockaddr_in address_of(const char* text)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

// A socket of that namespace; sockets stay where they were made, whoever uses them.
Result<Fd> socket_in(const std::string& space, const std::function<Result<void>(const Fd&)>& prepare)
{
    Result<Fd> made = fail(Error::Kind::Interrupted, "no thread");
    std::thread([&] {
        made = [&]() -> Result<Fd> {
            TRY_VOID(kernel::enter_namespace(space));
            Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            if (!socket) return std::unexpected(errno_error("open a socket", errno));
            TRY_VOID(prepare(socket));
            return socket;
        }();
    }).join();
    return made;
}

Result<Fd> receiver_in(const std::string& space, const char* own)
{
    return socket_in(space, [own](const Fd& socket) -> Result<void> {
        const sockaddr_in address = address_of(own);
        const int on = 1, room = 1 << 20;
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room); // a small one loses late readers'
        if (::setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
            ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
            return std::unexpected(errno_error("receive probes", errno));
        return {};
    });
}

Result<Fd> sender_in(const std::string& space, const char* peer)
{
    return socket_in(space, [peer](const Fd& socket) -> Result<void> {
        const sockaddr_in address = address_of(peer);
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
        return std::unexpected(errno_error("send probes", errno));
    });
}

struct Arrival {
    std::uint64_t number = 0;
    Nanos stamp = 0;
};

std::optional<Arrival> receive(const Fd& socket)
{
    Arrival arrival;
    alignas(cmsghdr) std::array<char, 128> control{};
    iovec piece{&arrival.number, sizeof arrival.number};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(socket.get(), &message, MSG_DONTWAIT) != sizeof arrival.number) return std::nullopt;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
            timespec time{};
            std::memcpy(&time, CMSG_DATA(part), sizeof time);
            arrival.stamp = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
        }
    if (arrival.stamp == 0) return std::nullopt;
    return arrival;
}

// When each left; 0: not known.
std::vector<Nanos> send_all(const Fd& socket, std::size_t count, std::chrono::microseconds spacing)
{
    std::vector<Nanos> left(count, 0);
    auto due = std::chrono::steady_clock::now();
    for (std::uint64_t number = 0; number < count; ++number) {
        std::this_thread::sleep_until(due += spacing);
        const Nanos before = read_clock(CLOCK_REALTIME);
        const bool sent = ::send(socket.get(), &number, sizeof number, MSG_NOSIGNAL) == sizeof number;
        const Nanos after = read_clock(CLOCK_REALTIME);
        if (sent && after - before <= most_held_up) left[number] = before;
    }
    return left;
}

std::vector<Arrival> receive_until(const Fd& socket, std::size_t count, const std::atomic<Nanos>& last_call)
{
    std::vector<Arrival> arrivals;
    while (arrivals.size() < count && read_clock(CLOCK_MONOTONIC) < last_call) {
        pollfd asked{socket.get(), POLLIN, 0};
        if (::poll(&asked, 1, 20) <= 0) continue;
        while (const auto arrival = receive(socket))
            arrivals.push_back(*arrival);
    }
    return arrivals;
}

} // namespace

Result<ProbeResult> probe(const Lab& lab, Heading heading, std::size_t count, std::chrono::microseconds spacing,
                          std::chrono::milliseconds patience)
{
    const bool there = heading == Heading::There;
    const char* const peer = there ? right_address : left_address;
    const Fd receiver = TRY(receiver_in(there ? lab.right() : lab.left(), peer));
    const Fd sender = TRY(sender_in(there ? lab.left() : lab.right(), peer));
    const Nanos ahead = wall_ahead();
    std::atomic<Nanos> last_call{INT64_MAX};
    std::vector<Arrival> arrivals;
    std::thread listening([&] { arrivals = receive_until(receiver, count, last_call); });
    const std::vector<Nanos> left = send_all(sender, count, spacing);
    last_call = read_clock(CLOCK_MONOTONIC) + std::chrono::nanoseconds(patience).count();
    listening.join();
    if (std::llabs(wall_ahead() - ahead) > most_step)
        return fail(Error::Kind::Interrupted, "the clock was set while probing: try again");
    ProbeResult result;
    for (const Nanos moment : left)
        ++(moment != 0 ? result.sent : result.disturbed);
    for (const Arrival& arrival : arrivals)
        if (arrival.number < count && left[arrival.number] != 0 && arrival.stamp >= left[arrival.number])
            result.delay_ns.record(static_cast<std::uint64_t>(arrival.stamp - left[arrival.number]));
    if (result.delay_ns.empty()) return fail(Error::Kind::Interrupted, "no probe arrived");
    return result;
}

} // namespace netwright::lab
