// SPDX-License-Identifier: GPL-2.0-or-later
// Claims of two popular guides that a plan must not follow: what it never proposes, what it puts right where the guides
// were followed, and the sizes it reckons instead of theirs.
#pragma once

#include "base/text.h"
#include "base/units.h"
#include "model/change.h"
#include "model/intent.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace netwright::test {

// The nth number of what a change sets; 0 where there is none.
inline std::int64_t number_set(const Change& change, std::size_t nth = 0)
{
    const std::string text = change.to ? to_text(*change.to) : "";
    const auto parts = split(text, ' ');
    return nth < parts.size() ? parse_int(parts[nth]).value_or(0) : 0;
}

inline bool any_value(const Change&, const Intent&) { return true; }
template <std::int64_t Limit, std::size_t Nth = 0>
bool above(const Change& change, const Intent&)
{
    return number_set(change, Nth) > Limit;
}
template <std::int64_t Limit>
bool below(const Change& change, const Intent&)
{
    return number_set(change) < Limit;
}
inline bool switched_on(const Change& change, const Intent&) { return change.to && to_text(*change.to) == "on"; }
inline bool bbr_without_loss(const Change& change, const Intent& intent)
{
    const bool lossy = intent.loss && intent.loss->value >= 0.005;
    return change.to && to_text(*change.to) == "bbr" && !lossy;
}
inline bool hybla(const Change& change, const Intent&) { return change.to && to_text(*change.to) == "hybla"; }
// TCP does not look at it: only datagrams, which somebody counted, are a reason.
inline bool without_datagrams(const Change&, const Intent& intent) { return !intent.datagram_rate; }

struct Avoided {
    std::string_view id, claim;      // D1: the shorter guide, D2: the long one
    std::string_view tunable;        // a glob over addresses
    std::string_view address, value; // what the guide makes people set: such a change is `wrong`
    bool (*wrong)(const Change&, const Intent&);
};

inline constexpr std::array avoided_claims{
    Avoided{"D1-04", "hybla makes sharing fair", "sysctl/net.ipv4.tcp_congestion_control",
            "sysctl/net.ipv4.tcp_congestion_control", "hybla", hybla},
    Avoided{"D1-16", "fast links do without time stamps", "sysctl/net.ipv4.tcp_timestamps",
            "sysctl/net.ipv4.tcp_timestamps", "0", below<1>},
    Avoided{"D1-36", "rmem_max must follow tcp_rmem", "sysctl/net.core.rmem_max", "sysctl/net.core.rmem_max",
            "134217728", without_datagrams},
    Avoided{"D1-44", "an hour for established connections", "sysctl/net.netfilter.nf_conntrack_tcp_timeout_established",
            "sysctl/net.netfilter.nf_conntrack_tcp_timeout_established", "3600", below<7440>},
    Avoided{"D1-45", "port 80 past conntrack", "notrack/*", "notrack/tcp/80", "on", any_value},
    Avoided{"D1-49", "net.mptcp.enabled as a gain", "sysctl/net.mptcp.enabled", "sysctl/net.mptcp.enabled", "1",
            any_value},
    Avoided{"D1-52", "turn LRO on", "nic/*/offload/rx-lro", "nic/eth0/offload/rx-lro", "on", switched_on},
    Avoided{"D2-08", "netdev_max_backlog cures losses", "sysctl/net.core.netdev_max_backlog",
            "sysctl/net.core.netdev_max_backlog", "65535", above<10000>},
    Avoided{"D2-30", "tcp_fin_timeout against TIME_WAIT", "sysctl/net.ipv4.tcp_fin_timeout",
            "sysctl/net.ipv4.tcp_fin_timeout", "30", any_value}, // no host here has orphans in FIN-WAIT-2
    Avoided{"D2-31", "tcp_max_syn_backlog against floods", "sysctl/net.ipv4.tcp_max_syn_backlog",
            "sysctl/net.ipv4.tcp_max_syn_backlog", "16384", any_value}, // every host here has SYN cookies
    Avoided{"D2-37", "no time stamps inside a LAN", "sysctl/net.ipv4.tcp_timestamps", "sysctl/net.ipv4.tcp_timestamps",
            "0", below<1>},
    Avoided{"D2-58", "65535 for somaxconn", "sysctl/net.core.somaxconn", "sysctl/net.core.somaxconn", "65535",
            above<16384>},
    Avoided{"D2-61", "16 MiB for rmem_default and wmem_default", "sysctl/net.core.?mem_default",
            "sysctl/net.core.rmem_default", "16777216", above<1048576>},
    Avoided{"D2-66", "bbr for everyone", "sysctl/net.ipv4.tcp_congestion_control",
            "sysctl/net.ipv4.tcp_congestion_control", "bbr", bbr_without_loss},
    Avoided{"D2-67", "ports from 1024", "sysctl/net.ipv4.ip_local_port_range", "sysctl/net.ipv4.ip_local_port_range",
            "1024 65535", below<10240>},
    Avoided{"D2-68", "SACK may be switched off", "sysctl/net.ipv4.tcp_sack", "sysctl/net.ipv4.tcp_sack", "0", below<1>},
    Avoided{"D2-80", "jumbo frames", "link/*/mtu", "link/eth0/mtu", "9000", any_value},
    Avoided{"D2-85", "tcp_tw_reuse for what clients open", "sysctl/net.ipv4.tcp_tw_reuse",
            "sysctl/net.ipv4.tcp_tw_reuse", "1", any_value}, // no host here runs out of ports
    Avoided{"D2-91", "always bbr and tcp_tw_reuse", "sysctl/net.ipv4.tcp_tw_reuse", "sysctl/net.ipv4.tcp_tw_reuse", "1",
            any_value},
    Avoided{"D2-101", "a large first receive buffer", "sysctl/net.ipv4.tcp_rmem", "sysctl/net.ipv4.tcp_rmem",
            "4096 16777216 67108864", above<131072, 1>},
    Avoided{"D2-122", "txqueuelen 10000", "link/*/txqueuelen", "link/eth0/txqueuelen", "10000", above<1000>},
};

// A host on which the guide was followed: the plan takes it back.
struct Righted {
    std::string_view id, claim;
    std::string_view key, copied, right;
    KernelVersion kernel{6, 12, 0};
};

inline constexpr std::array righted_claims{
    Righted{"D1-16", "fast links do without time stamps", "net.ipv4.tcp_timestamps", "0", "1"},
    Righted{"D1-18", "DSACK is for the receiver's own good", "net.ipv4.tcp_dsack", "0", "1"},
    Righted{"D2-16", "tcp_tw_reuse is the dangerous one", "net.ipv4.tcp_tw_recycle", "1", "0", {4, 4, 0}},
    Righted{"D2-24", "an overflowing queue should refuse", "net.ipv4.tcp_abort_on_overflow", "1", "0"},
    Righted{"D2-61", "16 MiB for rmem_default", "net.core.rmem_default", "16777216", "212992"},
    Righted{"D2-61", "16 MiB for wmem_default", "net.core.wmem_default", "16777216", "212992"},
    Righted{"D2-62", "87380 as the first receive buffer", "net.ipv4.tcp_rmem", "4096 87380 6291456",
            "4096 131072 6291456"},
    Righted{"D2-68", "SACK may be switched off", "net.ipv4.tcp_sack", "0", "1"},
};

// What a path really needs.
struct Sized {
    std::string_view id, claim;
    BitRate bandwidth;
    Nanoseconds rtt;
    std::string_view product;  // as the plan's input shows it
    std::string_view receives; // tcp_rmem of the plan
};

inline constexpr std::array sized_claims{
    Sized{"D1-29", "bandwidth x RTT is the product in bytes", 1_Gbit, std::chrono::milliseconds{80}, "10 MB (9.5 MiB)",
          "4096 131072 20971520"},
    Sized{"D1-31", "tcp_rmem's maximum is the product", 10_Gbit, std::chrono::milliseconds{10}, "12.5 MB (11.9 MiB)",
          "4096 131072 25165824"},
    Sized{"D1-32", "13107200 suits 10 Gbit/s at 10 ms", 10_Gbit, std::chrono::milliseconds{10}, "12.5 MB (11.9 MiB)",
          "4096 131072 25165824"},
    Sized{"D1-38", "a MB is a MiB", 10_Gbit, std::chrono::milliseconds{10}, "12.5 MB (11.9 MiB)",
          "4096 131072 25165824"},
    Sized{"D2-35", "10 Gbit/s at 50 ms needs 625 KB", 10_Gbit, std::chrono::milliseconds{50}, "62.5 MB (59.6 MiB)",
          "4096 131072 125829120"},
};

// What has to last is written where the system reads it, not into a script.
struct Lasting {
    std::string_view id, claim, tunable;
    Persistence persistence;
};

inline constexpr std::array lasting_claims{
    Lasting{"D2-142", "scripts make ethtool's settings last", "nic/eth0/ring/rx", Persistence::LinkFile},
};

} // namespace netwright::test
