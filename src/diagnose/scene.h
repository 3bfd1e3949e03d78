// SPDX-License-Identifier: GPL-2.0-or-later
// What a diagnosis looks at: a host at two moments and the packets it dropped in between; and the words for it.
#pragma once

#include "model/diagnosis.h"
#include "model/drops.h"
#include "model/snapshot.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace netwright::diagnose {

struct Scene {
    const Snapshot& before;          // sockets, queues and devices as they were
    const Snapshot& now;             // its counters hold their growth since `before`
    const Result<DropReport>& drops; // of the same time
};

double seconds(const Scene& scene);
double per_second(const Scene& scene, std::uint64_t events);

// Counters are named as in the snapshot; "UdpRcvbufErrors+Udp6RcvbufErrors" is their sum, where those this kernel does
// not have count as 0. Absent: it has none of them.
Result<std::uint64_t> growth(const Scene& scene, std::string_view counters);
// Drops with one of the reasons, separated by blanks: "NO_SOCKET", "tcp:NO_SOCKET" for one protocol,
// "NOT_SPECIFIED@do_xdp_generic" for one place. 0 also when drops could not be seen.
std::uint64_t dropped(const Scene& scene, std::string_view reasons);
// Does this drop have one of the reasons?
bool is_among(const DropCount& drop, std::string_view reasons);

// "/proc/net/netstat TcpExt.ListenOverflows: 27 in 5 s (41 since boot)", for every counter of the list that grew.
std::vector<Evidence> counter_evidence(const Scene& scene, std::string_view counters);
// One line for each reason that was seen: "drop reason NO_SOCKET: 20 in 5 s, tcp port 80 on eth0, in tcp_v4_rcv()".
std::vector<Evidence> drop_evidence(const Scene& scene, std::string_view reasons);
// "1,234 in 5 s"
std::string in_time(const Scene& scene, std::uint64_t events);
Evidence sysctl_seen(const Scene& scene, std::string_view key); // "sysctl net.core.somaxconn: 4096"

std::string socket_words(std::string_view address, std::uint16_t port);       // "0.0.0.0:80", "[::]:80"
std::string owner_words(const Result<SocketOwner>& owner);                    // "nginx, pid 812"; "" when not known
std::string with_owner(std::string socket, const Result<SocketOwner>& owner); // "0.0.0.0:80 (nginx, pid 812)"
std::string connection_words(const Connection& connection); // "10.0.0.1:5000 → 10.0.0.2:80 (curl, pid 4711)"

// The same thing in the earlier snapshot; null if it was not there.
const Listener* listener_before(const Scene& scene, const Listener& listener);
const Connection* connection_before(const Scene& scene, const Connection& connection);
const UdpSocket* udp_before(const Scene& scene, const UdpSocket& socket);
const Nic* nic_before(const Scene& scene, const Nic& nic);

} // namespace netwright::diagnose
