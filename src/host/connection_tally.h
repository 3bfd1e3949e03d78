// SPDX-License-Identifier: GPL-2.0-or-later
// What is kept of a stream of TCP sockets: counts a state, one group a congestion control, the busiest destination.
// Its size does not depend on the number of sockets.
#pragma once

#include "host/destination_count.h"
#include "kernel/sock_diag.h"
#include "model/sockets.h"

#include <array>
#include <bitset>
#include <string_view>

namespace netwright::host {

struct PortRange {
    std::uint16_t first = 0, last = 0;
    bool operator==(const PortRange&) const = default;
};
Result<PortRange> parse_port_range(std::string_view text); // "32768\t60999\n", as in ip_local_port_range

class ConnectionTally {
public:
    // Connections from a local port in this range count as outgoing, unless somebody listens on it.
    explicit ConnectionTally(PortRange ephemeral) : ephemeral_(ephemeral) {}
    void listens_on(std::uint16_t port) { listening_.set(port); }

    void add(const kernel::SocketRecord& record);
    void clear(); // keeps the range and the listening ports

    std::uint64_t count(kernel::SocketState state) const { return states_[static_cast<std::size_t>(state)]; }
    std::vector<ConnectionGroup> groups() const; // most connections first
    Result<BusiestDestination> busiest() const;

private:
    ConnectionGroup& group(std::string_view congestion_control);
    PortRange ephemeral_;
    std::bitset<65536> listening_;
    std::array<std::uint64_t, kernel::socket_states> states_{};
    std::vector<ConnectionGroup> groups_;
    std::size_t latest_ = 0; // neighbours in the hash mostly use the same algorithm
    DestinationCount destinations_;
};

} // namespace netwright::host
