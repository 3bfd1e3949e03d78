// SPDX-License-Identifier: GPL-2.0-or-later
// The kinds of test traffic, and what can be asked of them.
#include "model/traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

using enum TrafficKind;
constexpr std::uint32_t largest_datagram = 65'507; // 2^16 - 1 - IPv4 header - UDP header

constexpr std::array rows{
    TrafficRow{TcpStream, "tcp-stream", "bulk data one way", FlowRole::Bulk, 1, 128U << 10, 0, true, false},
    TrafficRow{TcpRr, "tcp-rr", "a request and its response in turn, connections stay open", FlowRole::Request, 1, 1, 0,
               false, true},
    TrafficRow{TcpCrr, "tcp-crr", "connect, request, response, close", FlowRole::Connections, 1, 1, 0, false, true},
    TrafficRow{UdpStream, "udp-stream", "datagrams one way: loss, reordering, jitter", FlowRole::Datagrams, 1, 1448, 0,
               true, false},
    TrafficRow{UdpRr, "udp-rr", "a request datagram and its response in turn", FlowRole::DatagramRequest, 1, 16, 0,
               false, true},
    TrafficRow{Pps, "pps", "small datagrams as fast as they go", FlowRole::Datagrams, 1, 18, 0, false, false},
    TrafficRow{Connect, "connect", "open and close connections, until they are refused", FlowRole::Connections, 1, 1, 0,
               false, true},
    TrafficRow{Idle, "idle", "many open connections that hardly speak", FlowRole::Request, 1000, 1, 100, false, true},
    TrafficRow{Mixed, "mixed", "requests beside bulk data: latency under load", FlowRole::Bulk, 1, 128U << 10, 0, true,
               true},
};

std::unexpected<Error> senseless(std::string what) { return fail(Error::Kind::Rejected, std::move(what)); }

bool is_datagrams(FlowRole role) { return role == FlowRole::Datagrams || role == FlowRole::DatagramRequest; }

Result<void> check_options(const Traffic& traffic, const TrafficRow& row)
{
    const bool bulk = row.role == FlowRole::Bulk;
    if (traffic.zerocopy && !bulk) return senseless(fmt::format("{} sends nothing that zero copies help", row.name));
    if (traffic.discard && traffic.kind != TcpStream) return senseless("only tcp-stream can discard in the kernel");
    if (traffic.offload && row.role != FlowRole::Datagrams)
        return senseless(fmt::format("{} sends no datagrams that could be offloaded", row.name));
    if (is_datagrams(row.role) && !traffic.congestion.empty()) return senseless("datagrams have no congestion control");
    if (traffic.congestion.size() > 15) return senseless("a congestion control's name has at most 15 letters");
    return {};
}

Result<void> check_sizes(const Traffic& traffic, const TrafficRow& row, const TrafficLimits& limits)
{
    if (traffic.flows == 0 || traffic.flows > limits.flows)
        return senseless(fmt::format("flows: 1 to {} are possible, not {}", limits.flows, traffic.flows));
    if (traffic.threads > limits.threads)
        return senseless(fmt::format("threads: at most {}, not {}", limits.threads, traffic.threads));
    if (std::max(traffic.message, traffic.response) > limits.message)
        return senseless(fmt::format("messages of at most {} bytes", limits.message));
    if (traffic.duration <= std::chrono::milliseconds::zero() || traffic.duration > limits.duration)
        return senseless(fmt::format("duration: more than 0 and at most {} s",
                                     std::chrono::duration_cast<std::chrono::seconds>(limits.duration).count()));
    if (traffic.warm_up && (traffic.warm_up->count() < 0 || *traffic.warm_up > limits.duration))
        return senseless("warm-up: 0 or more, and no longer than a test may last");
    if (is_datagrams(row.role) && (traffic.message < sizeof(DatagramHeader) || traffic.message > largest_datagram ||
                                   traffic.response > largest_datagram))
        return senseless(fmt::format("datagrams of {} to {} bytes", sizeof(DatagramHeader), largest_datagram));
    if (row.role == FlowRole::DatagramRequest && traffic.response < sizeof(DatagramHeader))
        return senseless(fmt::format("responses of {} to {} bytes", sizeof(DatagramHeader), largest_datagram));
    return {};
}

} // namespace

std::span<const TrafficRow> traffic_rows() { return rows; }

const TrafficRow& row_of(TrafficKind kind)
{
    const auto found = std::ranges::find(rows, kind, &TrafficRow::kind);
    ENSURE(found != rows.end());
    return *found;
}

std::string_view to_text(TrafficKind kind) { return row_of(kind).name; }

Result<TrafficKind> parse_traffic_kind(std::string_view text)
{
    const auto found = std::ranges::find(rows, text, &TrafficRow::name);
    if (found != rows.end()) return found->kind;
    std::string names;
    for (const TrafficRow& row : rows)
        names += (names.empty() ? "" : ", ") + std::string(row.name);
    return senseless(fmt::format("'{}' is no workload: {}", text.substr(0, 40), names));
}

Result<Traffic> settled(Traffic traffic, const TrafficLimits& limits)
{
    const TrafficRow& row = row_of(traffic.kind);
    if (traffic.message == 0) traffic.message = row.message;
    if (traffic.response == 0) traffic.response = traffic.kind == Mixed ? 1 : traffic.message;
    if (traffic.rate == 0) traffic.rate = row.rate;
    TRY_VOID(check_options(traffic, row));
    TRY_VOID(check_sizes(traffic, row, limits));
    return traffic;
}

} // namespace netwright
