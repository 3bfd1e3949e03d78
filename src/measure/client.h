// SPDX-License-Identifier: GPL-2.0-or-later
// Runs test traffic against a server and brings home what came of it.
#pragma once

#include "measure/server.h"
#include "model/measurement.h"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

namespace netwright::measure {

struct Progress {
    bool measuring = false; // else it is warming up
    std::chrono::milliseconds elapsed{0}, whole{0};
    std::optional<double> bits_per_second{}, operations_per_second{}; // over the last tick; nothing: not known
    std::uint64_t failures = 0;
};

struct ClientOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = default_port;
    std::string token;
    bool iperf3 = false;                             // an iperf3 server listens there (measure/iperf3.h)
    std::function<void(const Progress&)> progress{}; // ten times a second
    const std::atomic<bool>* cancelled = nullptr;
};

// Against netwright's server. Rejected: this end or the server will not do it, and why. Interrupted: the server went
// away, the traffic broke, or nothing came through that could be measured.
Result<Measurement> run_traffic(const ClientOptions& options, const Traffic& traffic);

} // namespace netwright::measure
