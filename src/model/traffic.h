// SPDX-License-Identifier: GPL-2.0-or-later
// Test traffic as it is asked for: what kind, how much, for how long.
#pragma once

#include "base/cpu_set.h"
#include "base/error.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace netwright {

enum class TrafficKind { TcpStream, TcpRr, TcpCrr, UdpStream, UdpRr, Pps, Connect, Idle, Mixed };

// What one end does with a flow. Connection workloads make flows of their own.
enum class FlowRole { Bulk, Request, Datagrams, DatagramRequest, Connections };

// One row a kind: names, defaults and what it is about.
struct TrafficRow {
    TrafficKind kind;
    std::string_view name, summary;
    FlowRole role;
    std::uint32_t flows, message;
    std::uint64_t rate; // default of Traffic::rate
    bool counts_bits;   // the result to look at is throughput, and a rate is in bit/s; else operations a second
    bool has_latency;
};
std::span<const TrafficRow> traffic_rows();
const TrafficRow& row_of(TrafficKind kind);
std::string_view to_text(TrafficKind kind); // "tcp-stream"
Result<TrafficKind> parse_traffic_kind(std::string_view text);

struct Traffic {
    TrafficKind kind = TrafficKind::TcpStream;
    std::uint32_t flows = 1;
    std::uint32_t threads = 0;  // 0: one a flow, up to the number of CPUs; on either end
    std::uint32_t message = 0;  // bytes of a write, a request or a datagram's payload; 0: the kind's own
    std::uint32_t response = 0; // bytes of a response; 0: as many as of a request
    std::chrono::milliseconds duration{10'000};
    std::optional<std::chrono::milliseconds> warm_up{}; // nothing: until the rate is steady, at most 5 s
    std::uint64_t rate = 0; // of all flows, in bit/s or operations a second, on a fixed schedule; 0: as fast as it goes
    std::string congestion; // congestion control of TCP flows; "": the host's own
    std::uint8_t tos = 0;
    bool zerocopy = false;           // MSG_ZEROCOPY
    bool discard = false;            // the receiver discards in the kernel (MSG_TRUNC)
    bool offload = false;            // UDP segmentation offload
    CpuSet client_cpus, server_cpus; // threads are pinned to these in turn; empty: not pinned
    bool operator==(const Traffic&) const = default;
};

// What an end that is asked to take part agrees to.
struct TrafficLimits {
    std::uint32_t flows = 10'000, threads = 64, message = 16U << 20;
    std::chrono::milliseconds duration{3'600'000};
    bool operator==(const TrafficLimits&) const = default;
};

// Fills what was left to the kind. Rejected: sizes, flows or options that make no sense together, or beyond `limits`.
Result<Traffic> settled(Traffic traffic, const TrafficLimits& limits);

// A datagram's payload starts with these 16 bytes; sequence numbers wrap.
struct DatagramHeader {
    std::uint32_t cookie = 0, sequence = 0;
    std::uint64_t sent_ns = 0; // on the sender's monotonic clock
};
static_assert(sizeof(DatagramHeader) == 16);

} // namespace netwright
