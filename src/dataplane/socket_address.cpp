// SPDX-License-Identifier: GPL-2.0-or-later
// Structures of the C library, from what configurations say.
#include "dataplane/socket_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace netwright::dataplane {

SocketAddress socket_address(const Prefix& host, std::uint16_t port)
{
    SocketAddress address;
    if (host.ipv6) {
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(port);
        std::memcpy(&to.sin6_addr, host.address.data(), sizeof to.sin6_addr);
        address.size = sizeof to;
        std::memcpy(&address.storage, &to, sizeof to);
    } else {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        std::memcpy(&to.sin_addr, host.address.data(), sizeof to.sin_addr);
        address.size = sizeof to;
        std::memcpy(&address.storage, &to, sizeof to);
    }
    return address;
}

Result<sockaddr_un> unix_address(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(Error::Kind::Rejected, path + " is too long for a socket");
    std::ranges::copy(path, address.sun_path);
    return address;
}

Result<Fd> reach(std::string_view who, const std::string& path)
{
    const sockaddr_un address = TRY(unix_address(path));
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{2, 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return std::unexpected(errno_error(fmt::format("reach {} at {}", who, path), errno));
    return socket;
}

} // namespace netwright::dataplane
