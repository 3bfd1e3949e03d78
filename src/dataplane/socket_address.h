// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses as sockets want them.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/prefix.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace netwright::dataplane {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SocketAddress socket_address(const Prefix& host, std::uint16_t port);

// Rejected: the path is too long for a socket.
Result<sockaddr_un> unix_address(const std::string& path);
// A stream to whom listens at `path`, who has two seconds for an answer. `who`: in errors, such as "BIRD".
Result<Fd> reach(std::string_view who, const std::string& path);

} // namespace netwright::dataplane
