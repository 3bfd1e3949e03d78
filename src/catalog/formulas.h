// SPDX-License-Identifier: GPL-2.0-or-later
// The arithmetic behind every proposed value: pure functions, units in their types, saturating instead of overflowing.
#pragma once

#include "base/units.h"

#include <chrono>
#include <cstdint>

namespace netwright::catalog {

// Events a second: connections, packets, flows. Negative and not-a-number count as none.
struct PerSecond {
    double value = 0;
};

// --- TCP buffers ---

enum class Path { Clean, Lossy }; // Lossy: more than 0.1 % of the bytes are sent again

// No buffer beyond this: the window ends at 1 GiB (scale 14, RFC 7323), and a single socket must not eat the host.
inline constexpr Bytes greatest_buffer = 256_MiB;

// How many bandwidth-delay products a buffer's maximum must hold. Two: about half of a receive buffer is window, and a
// sender keeps what is in flight beside what is not yet sent. Behind a loss the cumulative acknowledgement stands still
// for a round trip, and for another where the repeat is lost as well: all sent since waits at both ends, out of order
// in half of the one buffer, unacknowledged in the other (bench/outcome's lossy-bulk: 2 and 3 products carry 140 Mbit/s
// of 200, 4 and 5 carry 185, either one alone 150).
unsigned receive_products(Path path); // 2, on lossy paths 5
unsigned send_products(Path path);    // 2, on lossy paths 4
// tcp_rmem[2] and tcp_wmem[2] for a path: so many products, rounded up to MiB, at most greatest_buffer. Never below
// `running`: kernel defaults have grown, old recipes shrink them.
Bytes receive_buffer_maximum(BitRate bandwidth, Nanoseconds rtt, Path path, Bytes running);
Bytes send_buffer_maximum(BitRate bandwidth, Nanoseconds rtt, Path path, Bytes running);
// May `bulk_sockets` fill their buffers? A quarter of both maxima for each must fit below tcp_mem[2].
bool fits_tcp_memory(std::uint64_t bulk_sockets, Bytes receive, Bytes send, std::uint64_t tcp_mem_pages, Bytes page);
// The tcp_mem[2] (pages) those sockets would need, and the most a host of this much memory may be given: an eighth, a
// quarter where bulk transfer is its purpose.
std::uint64_t tcp_memory_needed(std::uint64_t bulk_sockets, Bytes receive, Bytes send, Bytes page);
enum class Purpose { General, Bulk };
std::uint64_t tcp_memory_ceiling(Bytes memory, Bytes page, Purpose purpose);
// What the kernel offers in the handshake (net/ipv4/tcp_output.c tcp_select_initial_window()): 0 to 14.
unsigned window_scale(Bytes tcp_rmem_maximum, Bytes rmem_max);
// The most a window carries: one window a round trip. 0 for an RTT of 0.
BitRate window_ceiling(Bytes window, Nanoseconds rtt);

// --- connections ---

// Twice what arrives while accept() stalls, as a power of two from 1024 to 16384.
std::uint64_t accept_backlog(PerSecond connections, Nanoseconds longest_stall);
inline constexpr std::chrono::seconds time_wait_length{60}; // TCP_TIMEWAIT_LEN, fixed
// Ports towards one destination: each rests for `rest` after use (time_wait_length, or tcp_tw_reuse_delay, one second,
// with tcp_tw_reuse=1), beside those in use.
std::uint64_t ports_needed(PerSecond connects_to_one_destination, Nanoseconds rest, std::uint64_t concurrent);
// The other way round: connects a second that `ports` carry.
PerSecond sustainable_connects(std::uint64_t ports, Nanoseconds rest);
// Sockets in TIME_WAIT when this side closes so many connections; tcp_max_tw_buckets caps them in the kernel.
std::uint64_t time_wait_sockets(PerSecond closes);
inline constexpr Bytes time_wait_size{256}; // struct tcp_timewait_sock, 6.18
// Silence until a dead peer is noticed: tcp_keepalive_time + tcp_keepalive_intvl x tcp_keepalive_probes.
std::chrono::seconds keepalive_detection(std::chrono::seconds time, std::chrono::seconds interval, unsigned probes);
// How long unanswered data is sent again (net/ipv4/tcp_timer.c tcp_model_timeout()), with the least RTO.
Nanoseconds retransmission_patience(unsigned retries, Nanoseconds least_rto, Nanoseconds greatest_rto);
// RLIMIT_NOFILE for a service: a tenth to spare and 512 for all the rest.
std::uint64_t open_files_needed(std::uint64_t connections, std::uint64_t files_each);
// Until 32-bit sequence numbers come round at this rate; time stamps tell the rounds apart.
Nanoseconds sequence_wrap(BitRate rate);

// --- UDP ---

// What a received datagram costs in buffer accounting (sk_buff truesize, measured on loopback, 6.18).
Bytes udp_truesize(std::uint64_t payload_bytes);
// The SO_RCVBUF request that holds what arrives while the reader stalls. The kernel doubles requests, hence the half.
Bytes udp_receive_request(PerSecond packets, Nanoseconds longest_stall, std::uint64_t payload_bytes);

// --- tables ---

// nf_conntrack_max: 1.5 x new flows a second x mean life of an entry.
std::uint64_t conntrack_entries(PerSecond new_flows, Nanoseconds mean_life);
// About 400 bytes an entry, extensions included, and 8 a bucket.
Bytes conntrack_memory(std::uint64_t entries, std::uint64_t buckets);
struct NeighbourThresholds {
    std::uint64_t thresh1 = 0, thresh2 = 0, thresh3 = 0;
    bool operator==(const NeighbourThresholds&) const = default;
};
// gc_thresh3 twice the peak over all namespaces, each lower one half of the next. Never below the kernel's defaults.
NeighbourThresholds neighbour_thresholds(std::uint64_t peak_entries);

// --- cards and queues ---

// Least of what the card has, the cores of its node, and what the packets need; at least 1.
unsigned queues_needed(unsigned card_maximum, unsigned local_cores, PerSecond packets, PerSecond packets_per_core);
// Descriptors that outlast the longest gap between polls, a power of two, at most what the card has.
std::uint64_t receive_ring(PerSecond packets_per_queue, Nanoseconds longest_gap, std::uint64_t card_maximum);
// rps_flow_cnt of each queue; 0 for no queue.
std::uint64_t rps_flow_count(std::uint64_t rps_sock_flow_entries, unsigned queues);
// netdev_max_backlog: what one CPU gets during the longest softirq gap.
std::uint64_t softnet_backlog(PerSecond packets_per_cpu, Nanoseconds longest_gap);
// How long the last packet of a full FIFO waits.
Nanoseconds fifo_delay(std::uint64_t packets, Bytes mtu, BitRate rate);
// Interrupts a second of a busy queue whose interrupts wait for `delay`; 0 delay gives no bound: 0.
PerSecond interrupt_rate(Nanoseconds delay);

} // namespace netwright::catalog
