// SPDX-License-Identifier: GPL-2.0-or-later
// Sockets as the traffic engine opens them.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "model/traffic.h"

#include <sys/socket.h>

#include <chrono>
#include <string>

namespace netwright::measure {

using Clock = std::chrono::steady_clock; // never stepped
using Deadline = Clock::time_point;

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    int family() const { return storage.ss_family; }
    const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
    std::uint16_t port() const;
    Address with_port(std::uint16_t port) const;
    bool is_loopback() const;
    bool same_host(const Address& other) const; // an IPv4-mapped address is its IPv4 address
};
std::string to_text(const Address& address); // "10.0.0.2:5301", "[::1]:5301"

// A name or a number. Absent: nobody knows that name.
Result<Address> resolve(const std::string& host, std::uint16_t port);

Result<Fd> listen_at(const Address& address, int backlog);
Result<Fd> open_datagrams(const Address& local);
Result<Address> local_of(const Fd& socket);
Result<Address> remote_of(const Fd& socket);

// Waits for `events` (POLLIN, POLLOUT) until the deadline. Interrupted: it came first.
Result<void> wait_for(const Fd& socket, short events, Deadline deadline, const std::string& what);

// Connects, whatever it takes until the deadline. The socket blocks.
Result<Fd> connect_to(const Address& address, Deadline deadline, const Traffic* options = nullptr);
// Starts connecting a socket that does not block; finished() tells how it ended once it is writable.
Result<Fd> start_connecting(const Address& address, const Traffic* options);
Result<void> finished(const Fd& socket, const std::string& what);
Result<void> set_blocking(const Fd& socket, bool blocking);

// Congestion control, type of service, no delay, zero copies: what `traffic` asks of a TCP socket.
Result<void> prepare_tcp(const Fd& socket, int family, const Traffic& traffic);
Result<void> set_tos(const Fd& socket, int family, std::uint8_t tos);
Result<void> set_option(const Fd& socket, int level, int option, int value, const std::string& what);
std::string congestion_of(int socket); // "" where there is none

} // namespace netwright::measure
