// SPDX-License-Identifier: GPL-2.0-or-later
// What a run of test traffic came to, as distributions, seen from both ends.
#pragma once

#include "model/histogram.h"
#include "model/traffic.h"
#include "model/verdict.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// What one end saw between the end of the warm-up and the end of the test.
struct EndResult {
    double seconds = 0;                               // of that time, on its own monotonic clock
    std::uint64_t bytes_sent = 0, bytes_received = 0; // payload
    std::uint64_t operations = 0;                     // requests answered, connections made, datagrams
    std::uint64_t failures = 0;                       // operations that failed
    std::string first_failure;                        // why the first of them did, and after how many successes
    std::uint64_t lost = 0, reordered = 0;            // datagrams, by their sequence numbers
    Histogram latency_ns;                             // of operations; with a rate, since the moment each was due
    Histogram delay_ns;     // of datagrams: one-way delay above the smallest one of the warm-up (RFC 5481 PDV)
    Histogram variation_ns; // of datagrams: difference of one-way delay to the one before (RFC 5481 IPDV, absolute)
    double jitter_ns = 0;   // the same, smoothed as RTP does (RFC 3550, 6.4.1)
    std::uint64_t segments = 0, retransmits = 0; // TCP segments sent, and those sent again
    Histogram rtt_us;                            // tcp_info's smoothed round trip of each flow, ten times a second
    Histogram cwnd;                              // segments
    std::string congestion;                      // the congestion control in force
    double user_s = 0, system_s = 0;             // CPU time of the process
    std::optional<double> softirq_s;             // CPU time of all the host's soft interrupts; nothing: not seen
    std::uint64_t tcp_memory = 0;                // growth of the host's TCP buffers in bytes, for open connections
};

struct Measurement {
    static constexpr int current_schema = 1;
    int schema = current_schema;
    std::chrono::sys_seconds taken{};
    Traffic traffic;
    std::string peer;             // "10.0.0.2:5301"
    std::string kernel, hostname; // the client's
    std::string server_kernel;
    EndResult client, server;
    double connect_s = 0;              // time to open all flows
    bool steady = false;               // the rate was steady before measuring began
    std::vector<std::string> labels;   // what makes these numbers special: "datagrams segmented by offload (GSO)"
    std::vector<std::string> warnings; // what the reader should know before believing them
};

// One number of a measurement, with what is needed to compare and print it.
struct Metric {
    std::string_view name; // "latency-p99"
    std::string_view unit; // "us", "bit/s", "1/s", "%", "s"
    Direction better = Direction::Higher;
    Scale scale = Scale::Ratio;
    double margin = 0.02;   // of a comparison: what does not matter
    bool principal = false; // among the few that decide
    double value = 0;
};
// All that this measurement can tell; what was not measured is not there.
std::vector<Metric> metrics(const Measurement& measurement);
std::optional<double> metric(const Measurement& measurement, std::string_view name);
bool is_metric(std::string_view name);
// What is known of the metric without measuring (its value is 0). Nothing: there is no such metric.
std::optional<Metric> metric_named(std::string_view name);
// The metric that people mean: "p99" is latency-p99; other names stay as they are.
std::string metric_meant(std::string_view name);

} // namespace netwright
