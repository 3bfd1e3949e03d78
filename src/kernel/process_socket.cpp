// SPDX-License-Identifier: GPL-2.0-or-later
// Taking descriptors out of another process (pidfd_getfd).
#include "kernel/process_socket.h"

#include "base/text.h"
#include "kernel/files.h"
#include "kernel/process_table.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace netwright::kernel {
namespace {

constexpr long pidfd_getfd_call = 438; // the same number everywhere (Linux 5.6)

int option_of(const Fd& socket, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : 0;
}

std::uint16_t port_of(const Fd& socket)
{
    sockaddr_storage place{};
    socklen_t size = sizeof place;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&place), &size) < 0) return 0;
    if (place.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(place).sin_port);
    if (place.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(place).sin6_port);
    return 0;
}

ProcessSocket describe_socket(Fd fd)
{
    ProcessSocket socket;
    socket.family = option_of(fd, SO_DOMAIN);
    socket.type = option_of(fd, SO_TYPE);
    socket.protocol = option_of(fd, SO_PROTOCOL);
    socket.listening = option_of(fd, SO_ACCEPTCONN) != 0;
    socket.port = port_of(fd);
    socklen_t size = sizeof socket.cookie;
    (void)::getsockopt(fd.get(), SOL_SOCKET, SO_COOKIE, &socket.cookie, &size);
    socket.fd = std::move(fd);
    return socket;
}

Result<Fd> open_process(std::uint32_t pid)
{
    Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (process) return process;
    if (errno == ESRCH || errno == EINVAL) return fail(Error::Kind::Absent, fmt::format("there is no process {}", pid));
    return std::unexpected(errno_error(fmt::format("open process {}", pid), errno));
}

} // namespace

Result<std::vector<ProcessSocket>> sockets_of_process(std::uint32_t pid)
{
    const Fd process = TRY(open_process(pid));
    const Files files = Files::live();
    const std::string directory = fmt::format("proc/{}/fd", pid);
    std::vector<ProcessSocket> found;
    for (const std::string& name : TRY(files.list(directory))) {
        const auto target = files.link(directory + "/" + name);
        const auto number = parse_int(name);
        if (!target || !number || !parse_socket_link(*target)) continue;
        Fd fd(static_cast<int>(::syscall(pidfd_getfd_call, process.get(), static_cast<int>(*number), 0)));
        if (!fd && errno == EBADF) continue; // closed meanwhile
        if (!fd) return std::unexpected(errno_error(fmt::format("take a socket of process {}", pid), errno));
        ProcessSocket socket = describe_socket(std::move(fd));
        if (std::ranges::find(found, socket.cookie, &ProcessSocket::cookie) == found.end())
            found.push_back(std::move(socket));
    }
    return found;
}

} // namespace netwright::kernel
