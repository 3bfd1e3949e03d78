// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting for clients.
#include "measure/server.h"

#include "measure/session.h"

#include <fmt/format.h>
#include <poll.h>

#include <list>
#include <thread>

namespace netwright::measure {
namespace {

constexpr std::size_t most_visitors = 16; // who may talk at the same time; one of them tests

struct Visit {
    std::thread thread;
    std::atomic<bool> over{false}, tested{false};
};

void log_line(const ServerOptions& options, const std::string& line)
{
    if (options.log) options.log(line);
}

// Threads that are over are joined; all of them when the list goes.
class Visits {
public:
    ~Visits()
    {
        for (Visit& visit : visits_)
            visit.thread.join();
    }
    bool full() const { return visits_.size() >= most_visitors; }
    Visit& add() { return visits_.emplace_back(); }
    // True: a test was carried through by one that is over.
    bool sweep()
    {
        bool tested = false;
        for (auto visit = visits_.begin(); visit != visits_.end();) {
            if (!visit->over) {
                ++visit;
                continue;
            }
            visit->thread.join();
            tested = tested || visit->tested;
            visit = visits_.erase(visit);
        }
        return tested;
    }

private:
    std::list<Visit> visits_;
};

} // namespace

Result<Server> Server::open(ServerOptions options)
{
    const Address address = TRY(resolve(options.bind, options.port));
    if (options.token.empty() && !address.is_loopback())
        return fail(
            Error::Kind::Rejected,
            fmt::format("--bind {} lets others ask for traffic: give --token-file with a secret", options.bind));
    Fd listener = TRY(listen_at(address, 64));
    const Address bound = TRY(local_of(listener));
    return Server(std::move(options), std::move(listener), bound.port());
}

Result<void> Server::serve(const std::atomic<bool>& ended)
{
    raise_descriptor_limit();
    std::mutex test;
    std::atomic<bool> closing{false};
    Visits visits;
    const auto leave = [&](Result<void> result) {
        closing = true;
        return result;
    };
    while (!ended) {
        if (visits.sweep() && options_.one_shot) return leave({});
        pollfd asked{listener_.get(), POLLIN, 0};
        if (::poll(&asked, 1, 200) <= 0 || visits.full()) continue;
        Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) continue;
        const auto remote = remote_of(socket);
        const std::string who = remote ? to_text(*remote) : "somebody";
        Visit& visit = visits.add();
        visit.thread = std::thread([this, &visit, &test, &closing, who, held = std::move(socket)]() mutable {
            const auto done = Session(std::move(held), options_, test, closing).run();
            log_line(options_, done ? fmt::format("{}: {} for {} ms", who, to_text(done->kind), done->duration.count())
                                    : fmt::format("{}: {}", who, done.error().what));
            visit.tested = done.has_value();
            visit.over = true;
        });
    }
    return leave({});
}

} // namespace netwright::measure
