// SPDX-License-Identifier: GPL-2.0-or-later
// A crowd of clients in one namespace, and a server that pauses in the other; one thread each.
#include "outcome/burst.h"

#include "cli/lab_flags.h"
#include "measure/socket.h"
#include "model/histogram.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <thread>

namespace netwright::outcome {
namespace {

using measure::Clock;
using Events = std::array<epoll_event, 256>;

constexpr auto patience = std::chrono::seconds(10);
constexpr int asked_backlog = 65'535; // what a program asks for that leaves the limit to the system
constexpr std::uint32_t listener_mark = 0xffff'ffff;

void watch(const Fd& epoll, const Fd& socket, std::uint32_t events, std::uint32_t number, int operation)
{
    epoll_event event{events, {.u32 = number}};
    ::epoll_ctl(epoll.get(), operation, socket.get(), &event);
}

// Answers a byte with a byte, once it has slept.
class SleepyServer {
public:
    explicit SleepyServer(Fd listener) : listener_(std::move(listener)), epoll_(::epoll_create1(EPOLL_CLOEXEC))
    {
        watch(epoll_, listener_, EPOLLIN, listener_mark, EPOLL_CTL_ADD);
    }

    void serve(Nanoseconds pause, const std::atomic<bool>& ended)
    {
        std::this_thread::sleep_for(pause);
        Events events{};
        while (!ended) {
            const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 50);
            for (int i = 0; i < count; ++i) {
                const std::uint32_t number = events[static_cast<std::size_t>(i)].data.u32;
                if (number == listener_mark)
                    accept_all();
                else
                    answer(number);
            }
        }
    }

private:
    void accept_all()
    {
        for (;;) {
            Fd one(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!one) return;
            watch(epoll_, one, EPOLLIN, static_cast<std::uint32_t>(open_.size()), EPOLL_CTL_ADD);
            open_.push_back(std::move(one));
        }
    }
    void answer(std::uint32_t number)
    {
        char byte = 0;
        const ssize_t got = ::recv(open_[number].get(), &byte, 1, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got == 1) (void)::send(open_[number].get(), &byte, 1, MSG_NOSIGNAL);
        open_[number].reset(); // leaves the epoll with it
    }

    Fd listener_, epoll_;
    std::vector<Fd> open_;
};

class Crowd {
public:
    Crowd(const measure::Address& where, const Burst& burst)
        : where_(where), burst_(burst), epoll_(::epoll_create1(EPOLL_CLOEXEC))
    {
        clients_.reserve(burst.connections);
    }

    Result<double> run()
    {
        const auto start = Clock::now();
        const Nanoseconds apart = burst_.within / burst_.connections;
        const auto end = start + burst_.within + burst_.pause + patience;
        while (settled_ < burst_.connections && Clock::now() < end) {
            while (clients_.size() < burst_.connections &&
                   Clock::now() >= start + apart * static_cast<std::int64_t>(clients_.size()))
                TRY_VOID(start_one());
            hear(clients_.size() < burst_.connections ? 0 : 20);
        }
        if (answered_.empty()) return fail(Error::Kind::Interrupted, "nothing came through: nobody was answered");
        for (const Client& client : clients_)
            if (client.socket || client.refused) answered_.record(since(client));
        return static_cast<double>(answered_.quantile(0.99)) / 1e3;
    }

private:
    struct Client {
        Fd socket; // none: it has its answer, or was refused
        measure::Deadline started{};
        bool asked = false, refused = false;
    };

    static std::uint64_t since(const Client& client)
    {
        if (client.refused) return static_cast<std::uint64_t>(Nanoseconds(patience).count());
        return static_cast<std::uint64_t>(Nanoseconds(Clock::now() - client.started).count());
    }
    Result<void> start_one()
    {
        Client client;
        client.started = Clock::now();
        client.socket = TRY(measure::start_connecting(where_, nullptr));
        const auto number = static_cast<std::uint32_t>(clients_.size());
        watch(epoll_, client.socket, EPOLLOUT, number, EPOLL_CTL_ADD);
        clients_.push_back(std::move(client));
        return {};
    }
    void hear(int timeout_ms)
    {
        Events events{};
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
        for (int i = 0; i < count; ++i)
            advance(events[static_cast<std::size_t>(i)].data.u32);
    }
    void advance(std::uint32_t number)
    {
        Client& client = clients_[number];
        char byte = 'b';
        if (!client.asked) {
            client.asked = ::send(client.socket.get(), &byte, 1, MSG_NOSIGNAL) == 1;
            if (client.asked) return watch(epoll_, client.socket, EPOLLIN, number, EPOLL_CTL_MOD);
            if (errno == EAGAIN) return;
        } else {
            const ssize_t got = ::recv(client.socket.get(), &byte, 1, 0);
            if (got < 0 && errno == EAGAIN) return;
            if (got == 1) answered_.record(since(client));
            client.refused = got != 1;
            return settle(client);
        }
        client.refused = true;
        settle(client);
    }
    void settle(Client& client)
    {
        client.socket.reset();
        ++settled_;
    }

    measure::Address where_;
    Burst burst_;
    Fd epoll_;
    std::vector<Client> clients_;
    Histogram answered_;
    std::size_t settled_ = 0;
};

Result<Fd> listen_in(const std::string& space)
{
    Result<Fd> listener = fail(Error::Kind::Interrupted, "no listener");
    const auto any = TRY(measure::resolve(lab::right_address, 0));
    TRY_VOID(cli::in_namespace(space, [&](kernel::Kernel&) -> Result<void> {
        listener = measure::listen_at(any, asked_backlog);
        return {};
    }));
    return listener;
}

} // namespace

Result<double> answered_p99(const lab::Lab& lab, const Burst& burst)
{
    Fd listener = TRY(listen_in(lab.right()));
    const auto where = TRY(measure::local_of(listener));
    std::atomic<bool> ended{false};
    SleepyServer server(std::move(listener));
    std::thread serving([&] { server.serve(burst.pause, ended); }); // a socket stays in the namespace it was made in
    Result<double> answered = fail(Error::Kind::Interrupted, "no burst");
    const auto entered = cli::in_namespace(lab.left(), [&](kernel::Kernel&) -> Result<void> {
        answered = Crowd(where, burst).run();
        return {};
    });
    ended = true;
    serving.join();
    if (!entered) return std::unexpected(entered.error());
    return answered;
}

} // namespace netwright::outcome
