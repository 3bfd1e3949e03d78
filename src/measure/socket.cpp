// SPDX-License-Identifier: GPL-2.0-or-later
// Opening, preparing and naming sockets.
#include "measure/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace netwright::measure {
namespace {

template <class Sockaddr>
const Sockaddr& as(const Address& address)
{
    return *reinterpret_cast<const Sockaddr*>(&address.storage);
}

// IPv4 addresses as IPv6 writes them, so that both can be compared.
in6_addr mapped(const Address& address)
{
    if (address.family() == AF_INET6) return as<sockaddr_in6>(address).sin6_addr;
    in6_addr made{};
    made.s6_addr[10] = made.s6_addr[11] = 0xff;
    std::memcpy(&made.s6_addr[12], &as<sockaddr_in>(address).sin_addr, 4);
    return made;
}

Result<Fd> open_socket(int family, int type)
{
    Fd socket(::socket(family, type | SOCK_CLOEXEC, 0));
    if (!socket) return std::unexpected(errno_error("open a socket", errno));
    return socket;
}

using Naming = int (*)(int, sockaddr*, socklen_t*);
Result<Address> named(const Fd& socket, Naming naming)
{
    Address address;
    address.length = sizeof address.storage;
    if (naming(socket.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.length) < 0)
        return std::unexpected(errno_error("ask a socket's address", errno));
    return address;
}

} // namespace

std::uint16_t Address::port() const
{
    return ntohs(family() == AF_INET6 ? as<sockaddr_in6>(*this).sin6_port : as<sockaddr_in>(*this).sin_port);
}

Address Address::with_port(std::uint16_t port) const
{
    Address copy = *this;
    if (family() == AF_INET6)
        reinterpret_cast<sockaddr_in6*>(&copy.storage)->sin6_port = htons(port);
    else
        reinterpret_cast<sockaddr_in*>(&copy.storage)->sin_port = htons(port);
    return copy;
}

bool Address::is_loopback() const
{
    const in6_addr address = mapped(*this);
    if (IN6_IS_ADDR_V4MAPPED(&address)) return address.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&address);
}

bool Address::same_host(const Address& other) const
{
    const in6_addr one = mapped(*this), two = mapped(other);
    return std::memcmp(&one, &two, sizeof one) == 0;
}

std::string to_text(const Address& address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool six = address.family() == AF_INET6;
    const void* const bytes = six ? static_cast<const void*>(&as<sockaddr_in6>(address).sin6_addr)
                                  : static_cast<const void*>(&as<sockaddr_in>(address).sin_addr);
    ::inet_ntop(address.family(), bytes, text.data(), text.size());
    return six ? fmt::format("[{}]:{}", text.data(), address.port())
               : fmt::format("{}:{}", text.data(), address.port());
}

Result<Address> resolve(const std::string& host, std::uint16_t port)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0)
        return fail(Error::Kind::Absent, fmt::format("{}: {}", host, ::gai_strerror(code)));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    Address address;
    address.length = list->ai_addrlen;
    std::memcpy(&address.storage, list->ai_addr, list->ai_addrlen);
    return address.with_port(port);
}

Result<Fd> listen_at(const Address& address, int backlog)
{
    Fd socket = TRY(open_socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK));
    TRY_VOID(set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
    if (::bind(socket.get(), address.raw(), address.length) < 0 || ::listen(socket.get(), backlog) < 0)
        return std::unexpected(errno_error("listen at " + to_text(address), errno));
    return socket;
}

Result<Fd> open_datagrams(const Address& local)
{
    Fd socket = TRY(open_socket(local.family(), SOCK_DGRAM));
    if (::bind(socket.get(), local.raw(), local.length) < 0)
        return std::unexpected(errno_error("bind to " + to_text(local), errno));
    return socket;
}

Result<Address> local_of(const Fd& socket) { return named(socket, ::getsockname); }
Result<Address> remote_of(const Fd& socket) { return named(socket, ::getpeername); }

Result<void> wait_for(const Fd& socket, short events, Deadline deadline, const std::string& what)
{
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd asked{socket.get(), events, 0};
        const int ready = ::poll(&asked, 1, left > 0 ? static_cast<int>(std::min<long>(left, 1'000'000)) : 0);
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return std::unexpected(errno_error(what, errno));
        if (ready == 0 && left <= 0) return fail(Error::Kind::Interrupted, what + ": no answer in time");
    }
}

Result<void> set_blocking(const Fd& socket, bool blocking)
{
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) < 0)
        return std::unexpected(errno_error("change a socket's mode", errno));
    return {};
}

Result<Fd> start_connecting(const Address& address, const Traffic* options)
{
    Fd socket = TRY(open_socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK));
    if (options) TRY_VOID(prepare_tcp(socket, address.family(), *options));
    if (::connect(socket.get(), address.raw(), address.length) < 0 && errno != EINPROGRESS)
        return std::unexpected(errno_error("connect to " + to_text(address), errno));
    return socket;
}

Result<void> finished(const Fd& socket, const std::string& what)
{
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) < 0) code = errno;
    if (code != 0) return std::unexpected(errno_error(what, code));
    return {};
}

Result<Fd> connect_to(const Address& address, Deadline deadline, const Traffic* options)
{
    const std::string what = "connect to " + to_text(address);
    Fd socket = TRY(start_connecting(address, options));
    TRY_VOID(wait_for(socket, POLLOUT, deadline, what));
    TRY_VOID(finished(socket, what));
    TRY_VOID(set_blocking(socket, true));
    return socket;
}

Result<void> set_option(const Fd& socket, int level, int option, int value, const std::string& what)
{
    if (::setsockopt(socket.get(), level, option, &value, sizeof value) < 0)
        return std::unexpected(errno_error("set " + what, errno));
    return {};
}

Result<void> set_tos(const Fd& socket, int family, std::uint8_t tos)
{
    if (tos == 0) return {};
    return family == AF_INET6 ? set_option(socket, IPPROTO_IPV6, IPV6_TCLASS, tos, "the traffic class")
                              : set_option(socket, IPPROTO_IP, IP_TOS, tos, "the type of service");
}

Result<void> prepare_tcp(const Fd& socket, int family, const Traffic& traffic)
{
    if (!traffic.congestion.empty() &&
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, traffic.congestion.data(),
                     static_cast<socklen_t>(traffic.congestion.size())) < 0)
        return std::unexpected(errno_error("use congestion control " + traffic.congestion, errno));
    TRY_VOID(set_tos(socket, family, traffic.tos));
    if (traffic.zerocopy) TRY_VOID(set_option(socket, SOL_SOCKET, SO_ZEROCOPY, 1, "SO_ZEROCOPY"));
    return set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
}

std::string congestion_of(int socket)
{
    std::array<char, 17> name{};
    socklen_t size = name.size() - 1;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) < 0) return {};
    return name.data();
}

} // namespace netwright::measure
