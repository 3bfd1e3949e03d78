// SPDX-License-Identifier: GPL-2.0-or-later
// The specialists netwright's traffic engine is measured beside: how each is run for a kind of work, and what its
// output says in our metrics.
#pragma once

#include "model/traffic.h"

#include <span>
#include <string_view>
#include <vector>

namespace netwright::peers {

// In netwright's names and units: "throughput" bit/s, "rate" 1/s, "latency-p50" us.
struct Figure {
    std::string_view metric;
    double value = 0;
    bool operator==(const Figure&) const = default;
};
using Figures = std::vector<Figure>;

// Malformed: the output does not hold what is looked for.
using ReadOutput = Result<Figures> (*)(std::string_view output);
Result<Figures> read_iperf3_stream(std::string_view output);
Result<Figures> read_iperf3_datagrams(std::string_view output);
Result<Figures> read_sockperf(std::string_view output);
Result<Figures> read_netperf_stream(std::string_view output);
Result<Figures> read_netperf_requests(std::string_view output);
Result<Figures> read_neper_stream(std::string_view output);
Result<Figures> read_neper_requests(std::string_view output);

// One row: a program for one kind of work.
struct Peer {
    TrafficKind kind;
    std::string_view name, program; // program: what must be installed
    std::string_view server, client;
    ReadOutput read;
};
std::span<const Peer> peer_rows();

// What is compared, and with which sizes: the same for everybody.
struct Work {
    Traffic traffic;
    std::vector<std::string_view> metrics;
};
std::vector<Work> works(unsigned seconds);

// Where a program that is missing comes from.
std::string_view origin(std::string_view name);

} // namespace netwright::peers
