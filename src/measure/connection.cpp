// SPDX-License-Identifier: GPL-2.0-or-later
// Connections that live for one exchange, or for none.
//
// tcp-crr: connect, request, response, close. The server closes first, as HTTP/1.0 servers do, and lets its FIN travel
// with the response; the port that waits out TIME_WAIT is the server's, so the client does not run out of its own.
// connect: the client opens and closes at once. TIME_WAIT is the client's, whose ports run out: that is what is tested.
#include "measure/jobs.h"
#include "measure/waiter.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

namespace netwright::measure {
namespace {

constexpr timeval patience{5, 0}; // for a connection and for its response

// A connected socket that gives up after `patience`. 0 or errno.
int open_connection(Fd& socket, const Address& peer, const Traffic& traffic)
{
    socket.reset(::socket(peer.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return errno;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); // holds for connect(2) too
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (const auto prepared = prepare_tcp(socket, peer.family(), traffic); !prepared) return prepared.error().code;
    if (::connect(socket.get(), peer.raw(), peer.length) == 0) return 0;
    return errno == EINPROGRESS ? ETIMEDOUT : errno;
}

// One request and its response, until the server closes. 0 or errno.
int exchange(const Fd& socket, std::vector<char>& data, const Traffic& traffic)
{
    if (::send(socket.get(), data.data(), traffic.message, MSG_NOSIGNAL) < 0) return errno;
    // One byte more than there is: the call returns when the server has closed as well.
    const ssize_t got = ::recv(socket.get(), data.data(), traffic.response + 1, MSG_WAITALL);
    if (got < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    return static_cast<std::size_t>(got) == traffic.response ? 0 : ECONNRESET;
}

// Requests of one server thread: connections are answered as they come, many at a time.
class Desk {
public:
    Desk(const Flow& listener, const Work& work, Tally& tally)
        : listener_(listener), work_(work), tally_(tally), data_(std::max(work.traffic.message, work.traffic.response)),
          epoll_(::epoll_create1(EPOLL_CLOEXEC))
    {
        watch(listener_.socket.get());
    }
    ~Desk()
    {
        for (std::size_t fd = 0; fd < open_.size(); ++fd)
            if (open_[fd].used) ::close(static_cast<int>(fd));
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    void serve()
    {
        std::array<epoll_event, 64> events;
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 100);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd == listener_.socket.get())
                accept_all();
            else if (!answer(fd))
                close(fd);
        }
    }

private:
    struct Open {
        bool used = false;
        std::uint32_t received = 0, sent = 0;
    };

    void watch(int fd)
    {
        epoll_event event{EPOLLIN, {.fd = fd}};
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    }

    void accept_all()
    {
        for (;;) {
            const int fd = ::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            if (open_.size() <= static_cast<std::size_t>(fd)) open_.resize(static_cast<std::size_t>(fd) + 64);
            open_[static_cast<std::size_t>(fd)] = {true, 0, 0};
            // The request is often there already: then no second system call has to ask for it.
            if (answer(fd))
                watch(fd); // or await_room() has done so
            else
                close(fd);
        }
    }

    // A response that is larger than the send buffer goes on when there is room again.
    void await_room(int fd)
    {
        epoll_event event{EPOLLOUT, {.fd = fd}};
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) < 0)
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    }

    // True: there is more to come.
    bool answer(int fd)
    {
        Open& one = open_[static_cast<std::size_t>(fd)];
        if (one.received == work_.traffic.message) return respond(fd, one);
        const ssize_t got = ::recv(fd, data_.data(), work_.traffic.message, 0);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        one.received += static_cast<std::uint32_t>(got);
        if (got == 0) return false;
        if (one.received < work_.traffic.message) return true;
        return respond(fd, one);
    }

    // MSG_MORE keeps the end of the response back until close() lets it go together with the FIN.
    bool respond(int fd, Open& one)
    {
        while (one.sent < work_.traffic.response) {
            const ssize_t sent = ::send(fd, data_.data(), work_.traffic.response - one.sent, MSG_NOSIGNAL | MSG_MORE);
            if (sent < 0 && errno == EAGAIN) {
                await_room(fd);
                return true;
            }
            if (sent < 0) return false;
            one.sent += static_cast<std::uint32_t>(sent);
        }
        tally_.received.add(one.received);
        tally_.operations.add(1);
        return false;
    }

    void close(int fd)
    {
        open_[static_cast<std::size_t>(fd)].used = false;
        ::close(fd); // leaves the epoll with it
    }

    const Flow& listener_;
    const Work& work_;
    Tally& tally_;
    std::vector<char> data_;
    std::vector<Open> open_; // by descriptor
    Fd epoll_;
};

} // namespace

void make_connections(std::vector<Flow>&, const Work& work, Tally& tally)
{
    const bool with_exchange = work.traffic.kind == TrafficKind::TcpCrr;
    std::vector<char> data(std::max(work.traffic.message, work.traffic.response) + 1, 'c');
    Schedule schedule(work.rate, Clock::now());
    for (std::size_t number = 0; !work.stopped(); ++number) {
        while (!schedule.unlimited() && !work.stopped() && !sleep_until(schedule.due())) {
        }
        const Deadline since = schedule.unlimited() ? Clock::now() : schedule.due();
        schedule.advance();
        Fd socket;
        int code = open_connection(socket, work.peers[number % work.peers.size()], work.traffic);
        if (code == 0 && with_exchange) code = exchange(socket, data, work.traffic);
        if (work.stopped()) return;
        if (code != 0) {
            count_failure(tally, with_exchange ? "connect, request, response" : "connect", code);
            continue;
        }
        if (work.measuring()) tally.latency.record(nanoseconds_since(since));
        tally.sent.add(with_exchange ? work.traffic.message : 0);
        tally.operations.add(1);
    }
}

void answer_connections(std::vector<Flow>& flows, const Work& work, Tally& tally)
{
    Desk desk(flows.front(), work, tally);
    while (!work.stopped())
        desk.serve();
}

} // namespace netwright::measure
