// SPDX-License-Identifier: GPL-2.0-or-later
// What the load balancer is to do, as a person writes it (docs/formats/lb.md), and what is doubtful about it.
#pragma once

#include "base/error.h"
#include "base/units.h"
#include "dataplane/lb_check.h"
#include "dataplane/prefix.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

using LinkAddress = std::array<std::uint8_t, 6>;

struct LbBackend {
    Prefix address;                       // of a single host
    std::uint32_t weight = 1;             // 0: drains, which keeps its connections and gets no new ones
    bool down = false;                    // found so by its pool's check: it has no connections and gets none
    std::optional<std::uint16_t> quic_id; // the server ID in connection IDs that it gives out
    std::uint16_t port = 0;               // Nat: where it listens; 0: where its VIP does
    std::optional<LinkAddress> link; // Layer2: where the interface of arrival reaches it; none: as the kernel knows it
    bool operator==(const LbBackend&) const = default;
};

// How packets go to backends: in an outer IP header, in one of IP and UDP, with another link header, or from an address
// of the balancer's, to which answers come back.
enum class LbMode : std::uint8_t { Ipip, Gue, Layer2, Nat };
inline bool encapsulates(LbMode mode) { return mode == LbMode::Ipip || mode == LbMode::Gue; }

struct LbPool {
    std::string name;
    LbMode mode = LbMode::Ipip;
    std::vector<LbBackend> backends; // no address twice
    std::optional<LbCheck> check;
    Nanoseconds slow_start{}; // how long one that comes back takes to its whole weight
    bool operator==(const LbPool&) const = default;
};

// What clients connect to.
struct LbVip {
    Prefix address; // of a single host
    std::uint16_t port = 0;
    std::uint8_t protocol = 6; // IPPROTO_TCP or IPPROTO_UDP
    enum class Affinity { Flow, Source, Quic } affinity = Affinity::Flow;
    std::size_t pool = 0; // in LbConfig::pools
    bool operator==(const LbVip&) const = default;
};
std::string to_text(const LbVip& vip); // "192.0.2.1:443/tcp", "[2001:db8::1]:53/udp"

// Where the status page is served.
struct LbListen {
    Prefix address; // of a single host
    std::uint16_t port = 0;
    bool operator==(const LbListen&) const = default;
};

// Where VIPs are announced: what BIRD's configuration includes, and where BIRD listens; or where FRR's bgpd does.
struct LbAnnounce {
    std::string file, control = "/run/bird/bird.ctl";
    std::uint32_t frr = 0; // the AS number of bgpd's "router bgp"; 0: it is BIRD
    bool operator==(const LbAnnounce&) const = default;
};

// From where translated connections go to their backends.
struct LbNat {
    std::vector<Prefix> addresses;            // of single hosts
    std::uint16_t first = 1024, last = 32767; // ports; Linux takes its own from 32768 on (ip_local_port_range)
    Nanoseconds tcp_idle = std::chrono::minutes(125), udp_idle = std::chrono::minutes(5); // RFC 5382, RFC 4787
    bool operator==(const LbNat&) const = default;
};

struct LbConfig {
    std::vector<std::string> interfaces;       // where packets to the VIPs come in; empty: nowhere yet
    bool generic = false;                      // XDP behind the allocation of buffers, for drivers without native XDP
    std::optional<Prefix> source4, source6;    // from where packets go to backends; host bits come from the flow's hash
    std::array<std::uint64_t, 2> hash_key{};   // the same on all balancers of a fleet
    std::uint32_t mtu = 1500;                  // of the way to the backends
    std::uint16_t gue_port = 6080;             // where backends take GUE
    std::uint8_t quic_config = 0;              // which connection IDs hold a server ID: their first three bits
    std::uint32_t icmp_rate = 1000;            // ICMP errors that each CPU sends a second, at most
    Nanoseconds drain = std::chrono::hours(1); // how long connections stay where they were after a change
    std::vector<LbPool> pools;
    std::vector<LbVip> vips;
    std::optional<LbNat> nat;
    std::optional<LbListen> listen;
    std::optional<LbAnnounce> announce;
    bool operator==(const LbConfig&) const = default;
};

enum {
    LB_POOLS_MOST = 1024,
    LB_VIPS_MOST = 4096,
    LB_BACKENDS_MOST = 4096,   // in one pool
    LB_NAT_ADDRESSES_MOST = 8, // of a family
};

Result<LbConfig> parse_lb_config(std::string_view text, std::string_view file);

// What the owner should know before this runs, one line each: pools without a use or without weight, backends without
// a slot.
std::vector<std::string> doubts(const LbConfig& config);

} // namespace netwright::dataplane
