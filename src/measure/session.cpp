// SPDX-License-Identifier: GPL-2.0-or-later
// One visit at the server.
#include "measure/session.h"

#include "kernel/files.h"
#include "measure/ledger.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

namespace netwright::measure {
namespace {

using namespace std::chrono_literals;
constexpr auto polite = 10s;       // for an answer that takes no work
constexpr auto warm_up_most = 60s; // beside what was asked for

Deadline in(std::chrono::milliseconds time) { return Clock::now() + time; }

std::string kernel_release() { return kernel::Files::live().read_line("proc/sys/kernel/osrelease").value_or(""); }

// The greeting of a connection that was just accepted; nothing when it is not one of ours, or does not come.
std::optional<Greeting> greeting_of(const Fd& socket)
{
    Greeting greeting;
    const timeval patience{2, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const ssize_t got = ::recv(socket.get(), &greeting, sizeof greeting, MSG_WAITALL);
    const timeval forever{0, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
    if (got != sizeof greeting) return std::nullopt;
    return greeting;
}

} // namespace

Result<Traffic> Session::run()
{
    auto traffic = greet();
    if (traffic) {
        const std::unique_lock held(test_, std::try_to_lock);
        Result<void> done =
            held ? take_part(*traffic) : fail(Error::Kind::Busy, "another test is running: try again when it is over");
        if (!done) traffic = std::unexpected(std::move(done).error());
    }
    if (!traffic) (void)channel_.send(Refusal{traffic.error().what}, in(1s));
    return traffic;
}

Result<Traffic> Session::greet()
{
    const Hello hello = TRY(channel_.expect<Hello>(in(polite)));
    if (hello.version != protocol_version)
        return fail(
            Error::Kind::Unsupported,
            fmt::format("protocol {} was spoken, this server ({}) speaks {}: use the same netwright on both ends",
                        hello.version, NETWRIGHT_VERSION, protocol_version));
    Welcome welcome{protocol_version,   NETWRIGHT_VERSION,       kernel_release(),
                    TRY(fresh_nonce()), !options_.token.empty(), ""};
    if (welcome.token) welcome.proof = proof_of(options_.token, "server", hello.nonce);
    TRY_VOID(channel_.send(welcome, in(polite)));
    const Ask ask = TRY(channel_.expect<Ask>(in(polite)));
    if (welcome.token && !same_proof(ask.proof, proof_of(options_.token, "client", welcome.nonce)))
        return fail(Error::Kind::Refused, "the token is missing or wrong (--token)");
    return settled(ask.traffic, options_.limits);
}

Result<Session::Doors> Session::open_doors(const Traffic& traffic) const
{
    Doors doors;
    std::random_device random;
    doors.ready.cookie = random();
    const FlowRole role = row_of(traffic.kind).role;
    const bool datagrams = role == FlowRole::Datagrams || role == FlowRole::DatagramRequest;
    // `connect` goes to one port, so that the client's ports run out as they do towards one service.
    const bool many_listeners = role == FlowRole::Connections && traffic.kind != TrafficKind::Connect;
    const std::uint32_t cpus = std::max(1U, std::thread::hardware_concurrency());
    const std::uint32_t threads = traffic.threads != 0 ? traffic.threads : cpus;
    const std::uint32_t count = datagrams ? traffic.flows : many_listeners ? std::min(traffic.flows, threads) : 1;
    const Address here = TRY(local_of(channel_.socket()));
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto port = options_.data_port == 0 ? 0U : options_.data_port + i;
        if (port > 65'535) return fail(Error::Kind::Rejected, "so many flows need more ports than there are");
        const Address address = here.with_port(static_cast<std::uint16_t>(port));
        Fd socket = TRY(datagrams ? open_datagrams(address) : listen_at(address, 65'535));
        TRY_VOID(datagrams ? prepare_datagrams(socket, here.family(), traffic, Side::Server)
                           : prepare_tcp(socket, here.family(), traffic)); // what is accepted inherits it
        const Address bound = TRY(local_of(socket));
        doors.ready.ports.push_back(bound.port());
        doors.sockets.push_back(std::move(socket));
    }
    return doors;
}

Result<std::vector<Flow>> Session::let_in(Doors& doors, const Traffic& traffic)
{
    switch (row_of(traffic.kind).role) {
    case FlowRole::Bulk:
    case FlowRole::Request:
        return accept_flows(doors.sockets.front(), traffic, doors.ready.cookie);
    case FlowRole::Datagrams:
    case FlowRole::DatagramRequest:
        return meet_datagrams(doors.sockets, traffic, doors.ready.cookie);
    case FlowRole::Connections:
        break;
    }
    std::vector<Flow> flows;
    for (Fd& listener : doors.sockets)
        flows.push_back({std::move(listener), FlowRole::Connections, static_cast<std::uint32_t>(flows.size())});
    return flows;
}

Result<void> Session::still_wanted()
{
    if (ended_) return fail(Error::Kind::Interrupted, "the server is being ended");
    if (auto trouble = channel_.trouble()) return std::unexpected(std::move(*trouble));
    return {};
}

Result<std::vector<Flow>> Session::accept_flows(const Fd& listener, const Traffic& traffic, std::uint32_t cookie)
{
    std::vector<Flow> flows;
    Deadline deadline = in(polite);
    while (flows.size() < connections_of(traffic)) {
        TRY_VOID(still_wanted());
        if (Clock::now() > deadline) return fail(Error::Kind::Interrupted, "the flows of the test did not connect");
        pollfd asked{listener.get(), POLLIN, 0};
        if (::poll(&asked, 1, 100) <= 0) continue;
        Fd socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket && (errno == EMFILE || errno == ENFILE))
            return std::unexpected(errno_error("the server cannot accept so many flows", errno));
        if (!socket) continue;
        const auto greeting = greeting_of(socket);
        if (!greeting || greeting->cookie != cookie) continue; // a stranger
        flows.push_back({std::move(socket), role_of(traffic, greeting->number), greeting->number});
        deadline = in(polite);
    }
    return flows;
}

// Each socket is bound to the first address that knows the cookie, on the host that the client is on.
Result<std::vector<Flow>> Session::meet_datagrams(std::vector<Fd>& sockets, const Traffic& traffic,
                                                  std::uint32_t cookie)
{
    const Address client = TRY(remote_of(channel_.socket()));
    std::vector<Flow> flows;
    const Deadline deadline = in(polite);
    while (flows.size() < sockets.size()) {
        TRY_VOID(still_wanted());
        if (Clock::now() > deadline)
            return fail(Error::Kind::Interrupted, "no datagram of the client arrived: is UDP let through?");
        Fd& socket = sockets[flows.size()];
        DatagramHeader header;
        Address from;
        from.length = sizeof from.storage;
        const ssize_t got = ::recvfrom(socket.get(), &header, sizeof header, 0,
                                       reinterpret_cast<sockaddr*>(&from.storage), &from.length); // at most 100 ms
        if (got != sizeof header || header.cookie != introduction(cookie) || !from.same_host(client)) continue;
        if (::connect(socket.get(), from.raw(), from.length) < 0)
            return std::unexpected(errno_error("connect to " + to_text(from), errno));
        const auto number = static_cast<std::uint32_t>(flows.size());
        flows.push_back({std::move(socket), row_of(traffic.kind).role, number});
    }
    return flows;
}

// Until the client says something.
Result<void> Session::wait_for_word(const std::list<Crew>& crews, Deadline deadline)
{
    for (;;) {
        if (ended_) return fail(Error::Kind::Interrupted, "the server is being ended");
        for (const Crew& crew : crews)
            if (crew.broken())
                return fail(Error::Kind::Interrupted, "the server's end failed: " + crew.first_failure());
        if (Clock::now() > deadline) return fail(Error::Kind::Rejected, "the test takes longer than was asked for");
        pollfd asked{channel_.socket().get(), POLLIN, 0};
        if (::poll(&asked, 1, 100) > 0) return {};
    }
}

Result<void> Session::take_part(const Traffic& traffic)
{
    Doors doors = TRY(open_doors(traffic));
    std::list<Crew> crews;
    Ledger ledger(crews);
    TRY_VOID(channel_.send(doors.ready, in(polite)));
    auto flows = TRY(let_in(doors, traffic));
    start_flows(crews, std::move(flows), traffic, doors.ready.cookie, {}, Side::Server);
    TRY_VOID(channel_.send(Go{}, in(polite)));
    const Deadline last = in(traffic.duration + traffic.warm_up.value_or(0ms) + warm_up_most);
    TRY_VOID(wait_for_word(crews, last));
    TRY_VOID(channel_.expect<Mark>(in(polite)));
    for (Crew& crew : crews)
        crew.measure();
    ledger.begin();
    TRY_VOID(channel_.send(Marked{}, in(polite)));
    TRY_VOID(wait_for_word(crews, last));
    TRY_VOID(channel_.expect<Stop>(in(polite)));
    ledger.end();
    for (Crew& crew : crews)
        crew.stop();
    return channel_.send(Report{ledger.result(), {}}, in(polite));
}

} // namespace netwright::measure
