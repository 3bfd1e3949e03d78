// SPDX-License-Identifier: GPL-2.0-or-later
// Flags that say what test traffic is wanted, for bench, baseline, lab and experiment.
#pragma once

#include "cli/command.h"
#include "measure/client.h"
#include "model/traffic.h"

#include <string>

namespace netwright::cli {

struct TrafficFlags {
    std::uint32_t flows = 0, threads = 0;
    std::string message, response, duration, warm_up = "auto", rate, congestion, tos, client_cpus, server_cpus;
    bool zerocopy = false, discard = false, offload = false;
};
// `rate` names the flag of the traffic's rate, where a path has one too.
void add_traffic_flags(CLI::App& app, TrafficFlags& flags, const std::string& duration,
                       const std::string& rate = "--rate");
// Rejected: what was typed makes no sense.
Result<Traffic> traffic_of(const std::string& workload, const TrafficFlags& flags);

struct PeerFlags {
    std::uint16_t port = 0; // 0: the usual one
    std::string token_file;
    bool iperf3 = false;
};
void add_peer_flags(CLI::App& app, PeerFlags& flags);
// How to reach the server at `host`. Rejected: the flags do not go together.
Result<measure::ClientOptions> server_at(const std::string& host, const PeerFlags& flags);
// The first line of the file; else NETWRIGHT_TOKEN, else "".
Result<std::string> token_of(const std::string& token_file);

} // namespace netwright::cli
