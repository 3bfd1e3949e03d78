// SPDX-License-Identifier: GPL-2.0-or-later
// A connection of our own over IPPROTO_MPTCP, and what MPTCP_INFO says of it (Linux 5.16).
#include "kernel/mptcp_check.h"

#include "base/fd.h"

#include <fmt/format.h>
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <thread>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 // include/uapi/linux/in.h
#endif
#ifndef SOL_MPTCP
#define SOL_MPTCP 284 // include/linux/socket.h
#endif

namespace netwright::kernel {
namespace {

using Clock = std::chrono::steady_clock;

std::string name_of(const Service& service)
{
    return fmt::format("MPTCP connection to {} port {}", address_text(service.address), service.port);
}

std::unexpected<Error> failed(const Service& service, int code)
{
    auto error = errno_error(name_of(service), code);
    if (code == EPROTONOSUPPORT || code == ENOPROTOOPT)
        error = {Error::Kind::Unsupported, "this kernel has no MPTCP, or net.mptcp.enabled is 0", code};
    return std::unexpected(std::move(error));
}

struct Name {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Name socket_name(const Service& service)
{
    Name name;
    if (service.address.is_ipv6) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(service.port);
        std::memcpy(&address.sin6_addr, service.address.address.data(), sizeof address.sin6_addr);
        std::memcpy(&name.storage, &address, name.size = sizeof address);
    } else {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(service.port);
        std::memcpy(&address.sin_addr, service.address.address.data(), sizeof address.sin_addr);
        std::memcpy(&name.storage, &address, name.size = sizeof address);
    }
    return name;
}

Result<Fd> connect_to(const Service& service, std::chrono::milliseconds patience)
{
    Fd socket(::socket(service.address.is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       IPPROTO_MPTCP));
    if (!socket) return failed(service, errno);
    const Name name = socket_name(service);
    const int code = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name.storage), name.size);
    if (code != 0 && errno != EINPROGRESS) return failed(service, errno);
    pollfd waiting{socket.get(), POLLOUT, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return failed(service, ETIMEDOUT);
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed(service, error);
    return socket;
}

Result<MultipathView> view_of(const Fd& socket, const Service& service)
{
    mptcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket.get(), SOL_MPTCP, MPTCP_INFO, &info, &size) == 0)
        return MultipathView{(info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK) == 0, info.mptcpi_subflows + 1U};
    // A connection that fell back to plain TCP answers so (net/mptcp/sockopt.c).
    if (errno == EOPNOTSUPP) return MultipathView{false, 1};
    return failed(service, errno);
}

} // namespace

Result<MultipathView> try_mptcp(const Service& service, std::chrono::milliseconds patience)
{
    const auto end = Clock::now() + patience;
    const Fd socket = TRY(connect_to(service, patience));
    if (::send(socket.get(), "\n", 1, MSG_NOSIGNAL) < 0) return failed(service, errno);
    for (;;) {
        const MultipathView view = TRY(view_of(socket, service));
        if (!view.is_multipath || view.subflows > 1 || Clock::now() >= end) return view;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

} // namespace netwright::kernel
