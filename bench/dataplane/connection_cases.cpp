// SPDX-License-Identifier: GPL-2.0-or-later
// A connection through a proxy, and through the balancer, in CPU time.
#include "base/fd.h"
#include "dataplane/cases.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stop_token>
#include <thread>

#include "peers/program.h"

namespace netwright::dataplane_bench {
namespace {

constexpr std::uint16_t front = 8080, back = 8081;
constexpr unsigned connections = 20'000;
constexpr unsigned packets = 10; // of a connection with one request and one answer, both directions

constexpr const char* configuration = R"(global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend in
    bind 127.0.0.1:8080
    default_backend out
backend out
    server one 127.0.0.1:8081
)";

std::unexpected<Error> cannot(const char* what) { return std::unexpected(errno_error(what, errno)); }

sockaddr_in address_of(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = ::htons(port);
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    return address;
}

Result<Fd> listen_at(std::uint16_t port)
{
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = address_of(port);
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), 128) != 0)
        return cannot("listen");
    return socket;
}

void serve(const std::stop_token& stop, const Fd& listening)
{
    while (!stop.stop_requested()) {
        pollfd waiting{listening.get(), POLLIN, 0};
        if (::poll(&waiting, 1, 100) <= 0) continue;
        const Fd client(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        char byte = 0;
        if (client && ::recv(client.get(), &byte, 1, 0) == 1) (void)::send(client.get(), &byte, 1, MSG_NOSIGNAL);
    }
}

bool ask_once()
{
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = address_of(front);
    const linger at_once{1, 0}; // no TIME_WAIT: twenty thousand ports would be used up
    char byte = 'a';
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return false;
    const bool answered = ::send(socket.get(), &byte, 1, MSG_NOSIGNAL) == 1 && ::recv(socket.get(), &byte, 1, 0) == 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return answered;
}

double seconds_of_children()
{
    rusage used{};
    ::getrusage(RUSAGE_CHILDREN, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// HAProxy's CPU time for a connection, in nanoseconds: it counts as a child once it has ended.
Result<double> proxy_time()
{
    std::string file = "/tmp/netwright-bench-haproxy-XXXXXX";
    const Fd made(::mkstemp(file.data()));
    const std::string_view text = configuration;
    if (!made || ::write(made.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return cannot("write HAProxy's configuration");
    TRY_VOID(peers::run({"ip", "link", "set", "lo", "up"}, "", std::chrono::seconds(5)));
    const Fd listening = TRY(listen_at(back));
    const std::jthread server([&](const std::stop_token& stop) { serve(stop, listening); });
    const double before = seconds_of_children();
    unsigned answered = 0;
    {
        const auto proxy = TRY(peers::Program::start({"haproxy", "-f", file, "-db"}, ""));
        for (int tries = 0; tries < 100 && !ask_once(); ++tries)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        for (unsigned i = 0; i < connections; ++i)
            answered += ask_once();
    }
    (void)std::remove(file.c_str());
    if (answered < connections / 2) return fail(Error::Kind::Absent, "haproxy did not answer (is it installed?)");
    return (seconds_of_children() - before) * 1e9 / answered;
}

} // namespace

void show_connection(const Options& options, const Result<double>& packet)
{
    if (!options.only.empty() && options.only != "G15") return;
    const auto proxy = proxy_time();
    if (!packet || !proxy) {
        fmt::print("G15  {}\n", !packet ? packet.error().what : proxy.error().what);
        return;
    }
    const double ours = packets * *packet / 1e3, theirs = *proxy / 1e3;
    fmt::print("G15  {:52} {:7.2f} us  {:24} {:7.2f} us  1 to {:.0f}  goal 1 to 30: {}\n",
               fmt::format("CPU time of a connection, {} packets", packets), ours, "HAProxy (tcp)", theirs,
               theirs / ours, theirs / ours >= 30 ? "met" : "missed");
}

} // namespace netwright::dataplane_bench
