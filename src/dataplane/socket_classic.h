// SPDX-License-Identifier: GPL-2.0-or-later
// Classic BPF in other processes' sockets: which member of an SO_REUSEPORT group takes a packet, and which packets a
// socket takes at all. The kernel keeps these programs in the sockets; they go with them.
#pragma once

#include "base/error.h"
#include "dataplane/socket_serve.h"

#include <linux/filter.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct SocketSpread {
    enum class By { Cpu, ConnectionId } by = By::Cpu;
    unsigned members = 0; // of the group; 0: as many as the process has
    unsigned at = 0;      // ConnectionId: which byte of it names the member
};
// Gives the number of a group's member. By CPU: the one the packet came in on, modulo the members. By connection ID:
// QUIC's (RFC 9000), long headers and short ones; the byte modulo the members. Members count in the order in which they
// were bound.
std::vector<sock_filter> spread_program(const SocketSpread& spread, unsigned members);
Result<unsigned> spread_sockets(const std::filesystem::path& root, const std::string& name,
                                const ServiceSocket& service, const SocketSpread& spread);

// Which of the process's sockets: those of a port, or its AF_PACKET sockets.
struct FilteredSocket {
    std::uint32_t pid = 0;
    std::uint8_t protocol = 0; // 0: packet sockets
    std::uint16_t port = 0;
};
// What libpcap makes of a tcpdump expression. `packets`: for AF_PACKET sockets with their link header; else for sockets
// of TCP and UDP, whose filters see packets from the transport header on. Malformed: libpcap's own words. Unsupported:
// libpcap is not installed.
Result<std::vector<sock_filter>> compile_filter(const std::string& expression, bool packets);
Result<unsigned> filter_sockets(const std::filesystem::path& root, const std::string& name,
                                const FilteredSocket& wanted, const std::string& expression);

} // namespace netwright::dataplane
