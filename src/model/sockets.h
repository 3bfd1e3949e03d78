// SPDX-License-Identifier: GPL-2.0-or-later
// Sockets through sock_diag: each listener by itself, established connections as distributions.
#pragma once

#include "base/units.h"
#include "model/reading.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netwright {

struct SocketOwner {
    std::uint64_t pid = 0;
    std::string command;
    bool operator==(const SocketOwner&) const = default;
};

// A listening TCP socket. include/uapi/linux/inet_diag.h: for LISTEN, rqueue is what waits for accept(), wqueue the
// limit.
struct Listener {
    std::string address; // "0.0.0.0", "::", "127.0.0.1"
    std::uint16_t port = 0;
    std::uint32_t queued = 0; // connections that wait for accept()
    std::uint32_t limit = 0;  // min(listen() argument, somaxconn at that time)
    std::uint64_t drops = 0;  // SKMEMINFO drops: SYNs and final ACKs this listener refused since it was made
    std::uint32_t uid = 0;
    std::uint64_t inode = 0;
    std::string congestion_control;
    Result<SocketOwner> owner = unseen(); // Refused without the rights to look into /proc/PID/fd
    bool operator==(const Listener&) const = default;
};

struct UdpSocket { // bound UDP sockets that dropped or hold data; the rest is only counted
    std::string address;
    std::uint16_t port = 0;
    std::uint32_t receive_queue = 0, receive_buffer = 0; // bytes of truesize, limit
    std::uint64_t drops = 0;
    std::uint64_t inode = 0;
    Result<SocketOwner> owner = unseen();
    bool operator==(const UdpSocket&) const = default;
};

// A TCP connection with something waiting: bytes unread, unsent or unacknowledged, a handshake without an answer.
// Totals are over its life; what this kernel's tcp_info does not hold is 0.
struct Connection {
    std::string state; // as ss names it
    std::string local_address, remote_address;
    std::uint16_t local_port = 0, remote_port = 0;
    std::uint32_t receive_queue = 0, send_queue = 0; // bytes the program has not read; bytes not acknowledged yet
    std::uint32_t receive_memory = 0, receive_buffer = 0, send_memory = 0, send_buffer = 0; // bytes of truesize, limits
    std::uint64_t drops = 0;
    std::uint64_t busy_us = 0, rwnd_limited_us = 0, sndbuf_limited_us = 0;
    std::uint64_t bytes_sent = 0, bytes_acked = 0, bytes_retransmitted = 0, bytes_received = 0;
    std::uint64_t segments_sent = 0, retransmits = 0;
    std::uint32_t rtt_us = 0, min_rtt_us = 0, mss = 0, path_mtu = 0; // mss: bytes in a full segment sent
    std::uint32_t in_flight = 0, not_sent = 0;                       // segments; bytes
    std::uint32_t peer_window = 0;                                   // bytes the peer lets us send, tcp_info since 5.4
    std::uint32_t timeouts_running = 0, probes = 0; // retransmission timeouts in a row; window probes without an answer
    std::uint32_t last_ack_ms = 0;                  // since the peer was last heard
    std::uint64_t inode = 0;                        // 0: no process holds it any more
    Result<SocketOwner> owner = unseen();
    bool operator==(const Connection&) const = default;
};

// A distribution in log-linear buckets (4 per doubling, error below 12.5 %): mergeable, constant in size.
class Distribution {
public:
    static constexpr unsigned steps = 4;
    void add(std::uint64_t value);
    void merge(const Distribution& other);
    std::uint64_t count() const { return count_; }
    std::uint64_t smallest() const { return count_ == 0 ? 0 : smallest_; }
    std::uint64_t largest() const { return largest_; }
    double mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }
    // The value below which `share` (0…1) of the values lie, as the middle of its bucket; 0 when empty.
    std::uint64_t quantile(double share) const;
    // For the JSON form: (bucket index, count) of buckets that hold something, and its inverse.
    struct Parts {
        std::uint64_t smallest = 0, largest = 0, sum = 0;
        std::vector<std::array<std::uint64_t, 2>> buckets;
    };
    Parts parts() const;
    static Result<Distribution> from(const Parts& parts); // Malformed: no sequence of add() leads to these parts
    bool operator==(const Distribution&) const = default;

private:
    static unsigned bucket_of(std::uint64_t value);
    static std::uint64_t middle_of(unsigned bucket);
    std::uint64_t count_ = 0, sum_ = 0, smallest_ = 0, largest_ = 0;
    std::vector<std::uint64_t> buckets_; // up to the largest value's, so that equal distributions are equal vectors
};

// All established connections with one congestion control algorithm.
struct ConnectionGroup {
    std::string congestion_control;
    std::uint64_t connections = 0;
    Distribution rtt_us, min_rtt_us; // smoothed and smallest round trip
    Distribution cwnd;               // segments
    Distribution delivery_rate_bps;  // bit/s of connections that sent data
    std::uint64_t bytes_sent = 0, bytes_retransmitted = 0, bytes_received = 0;
    std::uint64_t retransmits = 0; // segments, over the connections' lives
    // Time with data to send, and of it the time the peer's window or our send buffer was the limit (tcp_info,
    // since 4.10).
    std::uint64_t busy_us = 0, rwnd_limited_us = 0, sndbuf_limited_us = 0;
    Distribution rwnd_limited_percent, sndbuf_limited_percent; // share of each busy connection's busy time
    std::uint64_t app_limited = 0; // connections whose last rate sample was limited by the application
    std::uint64_t receive_memory = 0, send_memory = 0; // bytes of truesize now queued
    std::uint64_t receive_buffer_full = 0; // connections whose receive queue fills at least 7/8 of its buffer
    bool operator==(const ConnectionGroup&) const = default;
};

struct StateCount {
    std::string state; // "established", "syn-recv", "time-wait", … as ss names them
    std::uint64_t count = 0;
    bool operator==(const StateCount&) const = default;
};

// The remote address and port that most connections from this host's ephemeral ports go to.
struct BusiestDestination {
    std::string address;
    std::uint16_t port = 0;
    std::uint64_t connections = 0; // time-wait included
    bool operator==(const BusiestDestination&) const = default;
};

// How many established connections a process holds.
struct OwnerCount {
    std::uint64_t pid = 0;
    std::string command;
    std::uint64_t connections = 0;
    bool operator==(const OwnerCount&) const = default;
};

struct SocketSummary {
    std::vector<StateCount> tcp_states;
    std::vector<Listener> listeners;
    std::vector<ConnectionGroup> established;
    Result<BusiestDestination> busiest = unseen();      // Absent: no outgoing connection
    Result<std::uint64_t> udp_sockets = unseen();       // Unsupported: the kernel was built without INET_UDP_DIAG
    std::vector<UdpSocket> udp;                         // those with drops or a receive queue, worst first, at most 64
    Result<std::vector<Connection>> waiting = unseen(); // those with most bytes waiting, at most 128
    Result<std::vector<OwnerCount>> owners = unseen();  // the 64 processes with most connections; looked at when asked
    std::optional<std::string> owners_through;          // "BPF iter/task_file", or "/proc/PID/fd" and why
    bool operator==(const SocketSummary&) const = default;
};

} // namespace netwright
