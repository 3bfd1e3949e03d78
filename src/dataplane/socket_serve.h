// SPDX-License-Identifier: GPL-2.0-or-later
// One service on many ports, or on a whole prefix: an sk_lookup program of its network namespace.
#pragma once

#include "dataplane/socket_match.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace netwright::dataplane {

struct ServiceSocket {
    std::uint32_t pid = 0;
    std::uint8_t protocol = 6; // 6 or 17
    std::uint16_t port = 0;    // that it listens on, or is bound to
};
// The socket answers for all addresses and ports of `also`, beside its own. `root` is pin_directory("socket"). Absent:
// the process has no such socket.
Result<void> serve_also(const std::filesystem::path& root, const std::string& name, const ServiceSocket& service,
                        const SocketMatch& also);

} // namespace netwright::dataplane
