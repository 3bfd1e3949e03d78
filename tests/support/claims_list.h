// SPDX-License-Identifier: GPL-2.0-or-later
// Which claims of the two guides were found wrong; which are right, so that there is nothing to correct; and which no
// command answers, with the reason.
#pragma once

#include <array>
#include <string_view>

namespace netwright::test {

// How many statements each guide makes, in the order of its text: D1-01 to D1-60, D2-01 to D2-147.
inline constexpr unsigned claims_of_shorter_guide = 60, claims_of_long_guide = 147;

// Each must be caught by lint, corrected by explain or kept out of plans.
inline constexpr auto wrong_claims = std::to_array<std::string_view>(
    {"D1-04",  "D1-06",  "D1-07",  "D1-10",  "D1-11",  "D1-12",  "D1-16",  "D1-24",  "D1-26",  "D1-27",  "D1-28",
     "D1-32",  "D1-34",  "D1-36",  "D1-51",  "D1-52",  "D1-55",  "D1-57",  "D2-06",  "D2-08",  "D2-09",  "D2-12",
     "D2-16",  "D2-21",  "D2-23",  "D2-24",  "D2-28",  "D2-30",  "D2-31",  "D2-33",  "D2-34",  "D2-35",  "D2-37",
     "D2-50",  "D2-52",  "D2-61",  "D2-66",  "D2-68",  "D2-69",  "D2-70",  "D2-77",  "D2-85",  "D2-87",  "D2-91",
     "D2-93",  "D2-94",  "D2-96",  "D2-97",  "D2-101", "D2-103", "D2-108", "D2-109", "D2-110", "D2-118", "D2-120",
     "D2-121", "D2-122", "D2-124", "D2-125", "D2-129", "D2-130", "D2-133", "D2-139"});

struct Agreed {
    std::string_view id, claim;
};
inline constexpr std::array agreed_claims{
    Agreed{"D1-08", "fast open helps clients that come back"},
    Agreed{"D1-13", "time stamps are on"},
    Agreed{"D1-15", "time stamps cost a few bytes"},
    Agreed{"D1-17", "SACK spares repeats"},
    Agreed{"D1-19", "window scaling goes beyond 65,535 bytes"},
    Agreed{"D1-20", "window scaling is on"},
    Agreed{"D1-22", "60, 10 and 3 find a dead peer in 90 s"},
    Agreed{"D1-23", "hasty keepalive has a price"},
    Agreed{"D1-25", "minimum, default, maximum"},
    Agreed{"D1-30", "10 Gbit/s at 10 ms is 12.5 MB"},
    Agreed{"D1-39", "conntrack can be the bottleneck"},
    Agreed{"D1-40", "a full table drops new flows"},
    Agreed{"D1-42", "a larger table takes memory"},
    Agreed{"D1-43", "established entries live five days"},
    Agreed{"D1-46", "source routing takes tables and rules"},
    Agreed{"D1-47", "MPTCP uses several paths"},
    Agreed{"D1-53", "switch offloads off one by one to find a fault"},
    Agreed{"D1-56", "coalescing trades latency for interrupts"},
    Agreed{"D1-60", "measure, change, measure again"},
    Agreed{"D2-01", "BPF needs no new kernel"},
    Agreed{"D2-15", "short queues against jitter"},
    Agreed{"D2-19", "XDP wants a newer kernel"},
    Agreed{"D2-27", "tcp_tw_reuse is for outgoing connections"},
    Agreed{"D2-29", "tcp_fin_timeout is for FIN-WAIT-2"},
    Agreed{"D2-40", "GRO before LRO"},
    Agreed{"D2-42", "RPS without RSS, RFS after the program"},
    Agreed{"D2-43", "SR-IOV passes by the hypervisor"},
    Agreed{"D2-45", "XDP does millions of packets a second"},
    Agreed{"D2-46", "tc comes later and knows more"},
    Agreed{"D2-48", "BPF programs have a greatest size"},
    Agreed{"D2-53", "irqbalance spreads interrupts"},
    Agreed{"D2-54", "a core for each queue"},
    Agreed{"D2-57", "sysctl.d makes sysctls last"},
    Agreed{"D2-71", "sysctl -p applies a file"},
    Agreed{"D2-72", "ethtool -K rx on tx on … lro off"},
    Agreed{"D2-75", "systemctl starts irqbalance"},
    Agreed{"D2-78", "a program that drops everything"},
    Agreed{"D2-79", "ip link set … xdp"},
    Agreed{"D2-81", "9000 is the usual large MTU"},
    Agreed{"D2-84", "somaxconn without need gains nothing"},
    Agreed{"D2-86", "no time stamps, no protection"},
    Agreed{"D2-89", "many orphans take memory"},
    Agreed{"D2-90", "no SYN cookies, no defence"},
    Agreed{"D2-92", "look at settings again with each kernel"},
    Agreed{"D2-104", "bbr at the edge, jumbo frames inside"},
    Agreed{"D2-106", "ip -s link shows drops"},
    Agreed{"D2-111", "bcc's tcplife and its like"},
    Agreed{"D2-112", "tcpdump -s 0 takes whole packets"},
    Agreed{"D2-114", "softirqs by CPU"},
    Agreed{"D2-116", "RSS, RPS, RFS, then XDP"},
    Agreed{"D2-117", "UDP's receive errors"},
    Agreed{"D2-123", "cables and duplex"},
    Agreed{"D2-132", "file-nr counts open files"},
    Agreed{"D2-134", "look at the firewall"},
    Agreed{"D2-135", "tools for NUMA"},
    Agreed{"D2-136", "interrupts on the card's node"},
    Agreed{"D2-137", "RPS on the card's node"},
    Agreed{"D2-138", "leave time stamps on"},
    Agreed{"D2-143", "Kubernetes holds sysctls back"},
    Agreed{"D2-145", "DPDK only for extremes"},
};

struct Unanswered {
    std::string_view id, claim, reason;
};
inline constexpr std::array unanswered_claims{
    Unanswered{"D2-02", "half a second costs 20 % of traffic",
               "a story of one web site: no command turns latency into visits"},
    Unanswered{"D2-18", "gains in percent for each technique",
               "numbers without method: no command promises a gain, `cost` reckons with the user's own"},
    Unanswered{"D2-20", "DPDK needs special cards and an IOMMU",
               "no setting of a plan: `netwright bypass` lists what this host has and lacks"},
    Unanswered{"D2-47", "Cilium and all others are BPF", "about products, which no command judges"},
    Unanswered{"D2-55", "iperf3 -P 10 measures the bandwidth",
               "about another program: `netwright measure` has its own engine, with threads"},
    Unanswered{"D2-99", "40 to 34 ms and $1500 a month",
               "one case's result: no command promises it, `cost` reckons with the user's own"},
    Unanswered{"D2-113", "node_exporter collects everything", "about another program's defaults"},
    Unanswered{"D2-144", "SR-IOV is an offload of some instances",
               "a matter of naming: nothing to set or to propose follows from it"},
    Unanswered{"D2-147", "quantum networks to come", "an opinion about the future"},
};

} // namespace netwright::test
