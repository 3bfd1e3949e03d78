// SPDX-License-Identifier: GPL-2.0-or-later
// What the host is for. Each answer knows whether a person gave it or the snapshot suggested it.
#pragma once

#include "base/units.h"
#include "model/change.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

enum class Workload {
    General,   // nothing said: only what is right for every host
    WebServer, // API gateway or web server: many connections in
    Proxy,     // reverse proxy or outgoing-heavy service
    Bulk,      // bulk transfer, CDN, file server over WAN
    Database,
    Streaming, // Kafka-style ingest
    LowLatency,
    Game, // real-time UDP, small packets
    Voip,
    Gateway,         // L4 gateway, NAT router, firewall
    IdleConnections, // IoT: very many, mostly silent
    Kubernetes,      // node of a cluster
    CloudGuest
};

std::string_view to_text(Workload workload);            // "web-server", "idle-connections", …
Result<Workload> parse_workload(std::string_view text); // Rejected: lists the names, nearest first
const std::vector<Workload>& all_workloads();
std::string_view describe(Workload workload); // one line for people
// "proxy" or "web-server,database": several on one host, the one that counts most first. Rejected: none, unknown,
// twice.
Result<std::vector<Workload>> parse_workloads(std::string_view text);

// As parse_bit_rate and parse_duration, within what a network can have: 1 kbit/s to 100 Tbit/s, 1 us to 1 min.
Result<BitRate> parse_bandwidth(std::string_view text);
Result<Nanoseconds> parse_round_trip(std::string_view text);

template <class T>
struct Answer {
    T value{};
    bool given = false; // a person said so; else it was inferred
    std::string reason; // "--rtt", "netwright.yaml line 4", "90th percentile over 412 established connections"
    bool operator==(const Answer&) const = default;
};

struct Intent {
    Answer<Workload> workload{Workload::General, false, "nothing was said"};
    std::vector<Workload> beside;                         // what the same host is for as well; only a person can say so
    std::optional<Answer<BitRate>> bandwidth;             // bottleneck per host towards its peers
    std::optional<Answer<Nanoseconds>> rtt;               // towards the peers that matter
    std::optional<Answer<std::uint64_t>> connections;     // concurrent
    std::optional<Answer<std::uint64_t>> connection_rate; // new connections per second, inbound
    std::optional<Answer<double>> loss;                   // share of bytes retransmitted, 0…1
    std::optional<Answer<std::uint64_t>> datagram_rate;   // UDP datagrams received per second
    std::optional<Answer<Nanoseconds>> stall;             // longest pause of the program between two accepts or reads
    Risk welcome = Risk::Low;                             // changes above this risk are left out of a plan
    std::vector<std::string> protect;                     // globs over tunables that must not be touched
    bool operator==(const Intent&) const = default;
};

// Is the host for this, first or beside another?
bool serves(const Intent& intent, Workload workload);
std::vector<Workload> workloads(const Intent& intent); // all of them, the first one first
std::string workloads_text(const Intent& intent);      // "web-server, database"

} // namespace netwright
