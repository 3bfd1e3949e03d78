// SPDX-License-Identifier: GPL-2.0-or-later
// Keeping the connections in which most bytes wait.
#include "host/waiting_connections.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace netwright::host {
namespace {

constexpr std::uint32_t no_round_trip = std::numeric_limits<std::uint32_t>::max(); // tcp_min_rtt() before the first one

std::uint64_t bytes_waiting(const Connection& connection)
{
    return std::uint64_t{connection.receive_queue} + connection.send_queue;
}

bool waits_more(const Connection& a, const Connection& b)
{
    if (bytes_waiting(a) != bytes_waiting(b)) return bytes_waiting(a) > bytes_waiting(b);
    return std::tie(a.local_port, a.remote_port, a.remote_address) <
           std::tie(b.local_port, b.remote_port, b.remote_address);
}

void read_memory(const kernel::SocketRecord& record, Connection& connection)
{
    if (!record.has_memory) return;
    connection.receive_memory = record.memory[SK_MEMINFO_RMEM_ALLOC];
    connection.receive_buffer = record.memory[SK_MEMINFO_RCVBUF];
    connection.send_memory = record.memory[SK_MEMINFO_WMEM_QUEUED];
    connection.send_buffer = record.memory[SK_MEMINFO_SNDBUF];
    connection.drops = record.memory[SK_MEMINFO_DROPS];
}

void read_traffic(const tcp_info& info, Connection& connection)
{
    connection.busy_us = info.tcpi_busy_time;
    connection.rwnd_limited_us = info.tcpi_rwnd_limited;
    connection.sndbuf_limited_us = info.tcpi_sndbuf_limited;
    connection.bytes_sent = info.tcpi_bytes_sent;
    connection.bytes_acked = info.tcpi_bytes_acked;
    connection.bytes_retransmitted = info.tcpi_bytes_retrans;
    connection.bytes_received = info.tcpi_bytes_received;
    connection.segments_sent = info.tcpi_data_segs_out;
    connection.retransmits = info.tcpi_total_retrans;
}

void read_path(const tcp_info& info, Connection& connection)
{
    connection.rtt_us = info.tcpi_rtt;
    connection.min_rtt_us = info.tcpi_min_rtt == no_round_trip ? 0 : info.tcpi_min_rtt;
    connection.mss = info.tcpi_snd_mss;
    connection.path_mtu = info.tcpi_pmtu;
    connection.in_flight = info.tcpi_unacked;
    connection.not_sent = info.tcpi_notsent_bytes;
    connection.peer_window = info.tcpi_snd_wnd;
    connection.timeouts_running = info.tcpi_retransmits;
    connection.probes = info.tcpi_probes;
    connection.last_ack_ms = info.tcpi_last_ack_recv;
}

} // namespace

Connection connection_from(const kernel::SocketRecord& record)
{
    Connection connection;
    connection.state = kernel::to_text(record.state);
    connection.local_address = kernel::address_text(record.local, record.family);
    connection.remote_address = kernel::address_text(record.remote, record.family);
    connection.local_port = record.local.port;
    connection.remote_port = record.remote.port;
    connection.receive_queue = record.receive_queue;
    connection.send_queue = record.send_queue;
    connection.inode = record.inode;
    read_memory(record, connection);
    read_traffic(record.info.values, connection); // zeros behind what this kernel fills
    read_path(record.info.values, connection);
    return connection;
}

void WaitingConnections::add(const kernel::SocketRecord& record)
{
    const std::uint64_t bytes = std::uint64_t{record.receive_queue} + record.send_queue;
    if (bytes == 0 || !record.info) return;
    if (kept_.size() == most && bytes <= bytes_waiting(kept_.front())) return;
    kept_.push_back(connection_from(record));
    std::ranges::push_heap(kept_, waits_more);
    if (kept_.size() <= most) return;
    std::ranges::pop_heap(kept_, waits_more);
    kept_.pop_back();
}

std::vector<Connection> WaitingConnections::take()
{
    std::ranges::sort_heap(kept_, waits_more);
    return std::move(kept_);
}

} // namespace netwright::host
