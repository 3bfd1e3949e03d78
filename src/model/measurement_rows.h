// SPDX-License-Identifier: GPL-2.0-or-later
// The members of a measurement and of asked-for traffic, for JSON. For .cpp files only, as json_codec.h is.
#pragma once

#include "model/json_codec.h"
#include "model/measurement.h"

namespace netwright::describe {

// clang-format off
NETWRIGHT_ROWS(Histogram::Parts, ROW(smallest), ROW(largest), ROW(sum), ROW(buckets))
NETWRIGHT_ROWS(Traffic, ROW(kind), ROW(flows), ROW(threads), ROW(message), ROW(response), ROW(duration), ROW(warm_up), ROW(rate),
               ROW(congestion), ROW(tos), ROW(zerocopy), ROW(discard), ROW(offload), ROW(client_cpus), ROW(server_cpus))
NETWRIGHT_ROWS(EndResult, ROW(seconds), ROW(bytes_sent), ROW(bytes_received), ROW(operations), ROW(failures), ROW(first_failure),
               ROW(lost), ROW(reordered), ROW(latency_ns), ROW(delay_ns), ROW(variation_ns), ROW(jitter_ns), ROW(segments),
               ROW(retransmits), ROW(rtt_us), ROW(cwnd), ROW(congestion), ROW(user_s), ROW(system_s), ROW(softirq_s), ROW(tcp_memory))
NETWRIGHT_ROWS(Measurement, ROW(schema), ROW(taken), ROW(traffic), ROW(peer), ROW(kernel), ROW(hostname), ROW(server_kernel),
               ROW(client), ROW(server), ROW(connect_s), ROW(steady), ROW(labels), ROW(warnings))
// clang-format on

} // namespace netwright::describe

namespace netwright::json {

template <>
inline Out write(const TrafficKind& kind)
{
    return to_text(kind);
}

template <>
inline Result<void> read(const In& in, TrafficKind& out)
{
    std::string text;
    TRY_VOID(read_text(in, text));
    const auto kind = parse_traffic_kind(text);
    if (!kind) return wrong("a workload");
    out = *kind;
    return {};
}

} // namespace netwright::json
