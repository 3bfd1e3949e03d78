// SPDX-License-Identifier: GPL-2.0-or-later
// What lies between NIC and socket: queueing, routes, neighbours, connection tracking, softirq and memory accounts.
#pragma once

#include "base/units.h"
#include "model/counter.h"
#include "model/reading.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netwright {

struct Qdisc {
    std::string nic;
    std::string kind;           // "fq", "mq", "noqueue", "pfifo_fast"
    std::string handle, parent; // "8001:", "root", "8001:1"
    Counter bytes, packets, drops, overlimits, requeues;
    std::uint32_t queued_packets = 0; // now
    std::uint64_t backlog_bytes = 0;  // now
    // What fq, fq_codel, codel and red count beside: "flows_plimit", "ecn_mark"; empty for other kinds.
    Result<CounterTable> details{};
    bool operator==(const Qdisc&) const = default;
};

struct RouteMetrics { // RTA_METRICS; absent = the kernel decides
    std::optional<std::uint32_t> mtu, advmss, initcwnd, initrwnd, rto_min_ms, quickack, window, hoplimit;
    std::optional<std::string> congestion_control;
    bool operator==(const RouteMetrics&) const = default;
};

// Tables may be huge: past 10,000 routes of a family only default routes are kept, and one last entry of the type
// "others" says in next_hops how many were left out.
struct Route {
    std::string family;      // "ipv4", "ipv6"
    std::string destination; // "default", "10.0.0.0/8"
    std::string gateway;     // "" = on link
    std::string nic;         // "" = none or several
    std::string source;      // preferred source address
    std::string type;        // "unicast", "local", "blackhole", …
    std::string protocol;    // "kernel", "static", "dhcp", "ra", or a number
    std::uint32_t table = 254, priority = 0;
    std::uint32_t next_hops = 1;
    RouteMetrics metrics;
    bool operator==(const Route&) const = default;
};

struct InterfaceAddress {
    std::string nic;
    std::string family;                         // "ipv4", "ipv6"
    std::string address;                        // "192.0.2.10"
    unsigned length = 0;                        // bits of its network
    std::string scope;                          // "global", "site", "link", "host", or a number
    bool temporary = false, deprecated = false; // IPv6 privacy addresses, and those about to go
    bool operator==(const InterfaceAddress&) const = default;
};

struct RoutingRule {
    std::string family, source, destination, interface, action;
    std::uint32_t priority = 0, table = 0, mark = 0;
    bool operator==(const RoutingRule&) const = default;
};

// One CPU's line of /proc/net/softnet_stat. Host-wide: the same in every namespace.
struct SoftnetCpu {
    unsigned cpu = 0;
    Counter processed;    // packets
    Counter dropped;      // per-CPU backlog full or flow limit
    Counter time_squeeze; // softirq ended with work left
    Counter received_rps, flow_limit;
    std::optional<std::uint32_t> backlog; // packets queued now (from 5.10 on)
    bool operator==(const SoftnetCpu&) const = default;
};

// /proc/net/sockstat and sockstat6. `inuse` and `time_wait` are this namespace's; all else is the whole host's.
struct SockStat {
    std::uint64_t tcp_inuse = 0, tcp_time_wait = 0;                         // sockets, this namespace
    std::uint64_t tcp_orphans = 0, tcp_allocated = 0, tcp_memory_pages = 0; // host-wide
    std::uint64_t udp_inuse = 0;                                            // this namespace
    std::uint64_t udp_memory_pages = 0;                                     // host-wide
    std::uint64_t fragments_inuse = 0, fragments_memory = 0;                // queues, bytes; this namespace
    std::optional<std::uint64_t> tcp6_inuse, udp6_inuse;
    bool operator==(const SockStat&) const = default;
};

struct ConntrackCpu { // /proc/net/stat/nf_conntrack
    unsigned cpu = 0;
    Counter invalid, insert, insert_failed, drop, early_drop, error, search_restart, clash_resolve, chain_too_long;
    bool operator==(const ConntrackCpu&) const = default;
};

struct Conntrack {           // Absent when the module is not loaded
    std::uint64_t count = 0; // entries of this namespace
    Result<std::uint64_t> limit =
        unseen(); // nf_conntrack_max: host-wide value, compared with each namespace's own count
    Result<std::uint64_t> buckets = unseen();
    Result<std::vector<ConntrackCpu>> cpus = unseen();
    bool operator==(const Conntrack&) const = default;
};

struct NeighbourTable { // RTM_GETNEIGHTBL; the table is host-wide
    std::string family; // "ipv4", "ipv6"
    std::uint64_t entries = 0;
    Result<std::uint64_t> gc_thresh1 = unseen(), gc_thresh2 = unseen(), gc_thresh3 = unseen();
    Counter table_fulls, unresolved_discards, resolve_failed, forced_gc_runs;
    bool operator==(const NeighbourTable&) const = default;
};

} // namespace netwright
