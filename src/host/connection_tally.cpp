// SPDX-License-Identifier: GPL-2.0-or-later
// Adding sockets up.
#include "host/connection_tally.h"

#include "base/text.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

namespace netwright::host {
namespace {

constexpr std::uint32_t no_sample = std::numeric_limits<std::uint32_t>::max(); // tcp_min_rtt() before the first one

void add_round_trips(ConnectionGroup& group, const kernel::TcpInfo& info)
{
    if (info.values.tcpi_rtt != 0) group.rtt_us.add(info.values.tcpi_rtt);
    if (info.has(&tcp_info::tcpi_min_rtt) && info.values.tcpi_min_rtt != 0 && info.values.tcpi_min_rtt != no_sample)
        group.min_rtt_us.add(info.values.tcpi_min_rtt);
    group.cwnd.add(info.values.tcpi_snd_cwnd);
    group.retransmits += info.values.tcpi_total_retrans;
}

void add_traffic(ConnectionGroup& group, const kernel::TcpInfo& info)
{
    // 4.19 counts sent bytes; before, the acknowledged ones (4.1) come closest.
    const std::uint64_t sent =
        info.has(&tcp_info::tcpi_bytes_sent) ? info.values.tcpi_bytes_sent : info.values.tcpi_bytes_acked;
    group.bytes_sent += sent;
    group.bytes_retransmitted += info.values.tcpi_bytes_retrans;
    group.bytes_received += info.values.tcpi_bytes_received;
    if (sent != 0 && info.values.tcpi_delivery_rate != 0) {
        group.delivery_rate_bps.add(info.values.tcpi_delivery_rate * 8);
        group.app_limited += info.values.tcpi_delivery_rate_app_limited;
    }
}

void add_limits(ConnectionGroup& group, const kernel::TcpInfo& info)
{
    const std::uint64_t busy = info.values.tcpi_busy_time;
    if (!info.has(&tcp_info::tcpi_sndbuf_limited) || busy == 0) return;
    group.busy_us += busy;
    group.rwnd_limited_us += info.values.tcpi_rwnd_limited;
    group.sndbuf_limited_us += info.values.tcpi_sndbuf_limited;
    group.rwnd_limited_percent.add(std::min<std::uint64_t>(100, info.values.tcpi_rwnd_limited * 100 / busy));
    group.sndbuf_limited_percent.add(std::min<std::uint64_t>(100, info.values.tcpi_sndbuf_limited * 100 / busy));
}

void add_memory(ConnectionGroup& group, const kernel::SocketRecord& record)
{
    if (!record.has_memory) return;
    const std::uint64_t queued = record.memory[SK_MEMINFO_RMEM_ALLOC], buffer = record.memory[SK_MEMINFO_RCVBUF];
    group.receive_memory += queued;
    group.send_memory += record.memory[SK_MEMINFO_WMEM_QUEUED];
    if (buffer != 0 && queued * 8 >= buffer * 7) ++group.receive_buffer_full;
}

} // namespace

Result<PortRange> parse_port_range(std::string_view text)
{
    const auto words = split_words(text);
    if (words.size() == 2) {
        const auto first = parse_unsigned(words[0]), last = parse_unsigned(words[1]);
        if (first && last && *first <= *last && *last <= 65535)
            return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
    }
    return fail(Error::Kind::Malformed, fmt::format("ip_local_port_range: '{}' is not two ports", trim(text)));
}

ConnectionGroup& ConnectionTally::group(std::string_view congestion_control)
{
    if (latest_ < groups_.size() && groups_[latest_].congestion_control == congestion_control) return groups_[latest_];
    const auto found = std::ranges::find(groups_, congestion_control, &ConnectionGroup::congestion_control);
    latest_ = static_cast<std::size_t>(found - groups_.begin());
    if (found == groups_.end()) groups_.emplace_back().congestion_control = congestion_control;
    return groups_[latest_];
}

void ConnectionTally::add(const kernel::SocketRecord& record)
{
    ++states_[static_cast<std::size_t>(record.state)];
    if (record.remote.port != 0 && record.local.port >= ephemeral_.first && record.local.port <= ephemeral_.last &&
        !listening_[record.local.port])
        destinations_.add(kernel::as_mapped(record.remote, record.family));
    if (record.state != kernel::SocketState::Established || !record.info) return;
    ConnectionGroup& same = group(record.congestion_control);
    ++same.connections;
    add_round_trips(same, record.info);
    add_traffic(same, record.info);
    add_limits(same, record.info);
    add_memory(same, record);
}

void ConnectionTally::clear()
{
    states_ = {};
    groups_.clear();
    latest_ = 0;
    destinations_.clear();
}

std::vector<ConnectionGroup> ConnectionTally::groups() const
{
    auto sorted = groups_;
    std::ranges::sort(sorted, [](const ConnectionGroup& a, const ConnectionGroup& b) {
        return a.connections != b.connections ? a.connections > b.connections
                                              : a.congestion_control < b.congestion_control;
    });
    return sorted;
}

Result<BusiestDestination> ConnectionTally::busiest() const
{
    const auto most = destinations_.most();
    if (!most) return fail(Error::Kind::Absent, "no outgoing connection");
    std::string address = kernel::address_text(most->destination, AF_INET6);
    if (address.starts_with("::ffff:") && address.find('.') != std::string::npos) address.erase(0, 7);
    return BusiestDestination{std::move(address), most->destination.port, most->count};
}

} // namespace netwright::host
