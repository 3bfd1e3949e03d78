// SPDX-License-Identifier: GPL-2.0-or-later
// What each workload asks of people, what other rules size for it, what it should leave alone, and who clashes with
// whom.
#include "advise/workloads.h"

#include <array>

namespace netwright::advise {
namespace {

using enum Workload;

constexpr Workloads long_lived{WebServer, Proxy, Database, Streaming, IdleConnections, Kubernetes, CloudGuest};
constexpr Workloads far_senders{WebServer, Proxy, Bulk};
constexpr Workloads datagrams{Game, Voip};
constexpr Workloads acceptors{WebServer, Proxy, Database, IdleConnections};
constexpr Workloads servers{WebServer, Proxy, Bulk, Database, Streaming, IdleConnections};

constexpr std::array counsel_rows{
    Counsel{{WebServer},
            "one listening socket a worker (SO_REUSEPORT), as many as the CPUs near the card; for restarts "
            "without lost connections also net.ipv4.tcp_migrate_req=1"},
    Counsel{{WebServer},
            "if first answers are larger than 14 KB and the path loses less than 0.5 %: a larger initcwnd on "
            "the default route (20 to 32 segments) saves a round trip"},
    Counsel{{WebServer}, "look at the CPU time of TLS before the network: it is usually the limit"},
    Counsel{{Proxy},
            "keep connections to upstreams open in a pool as large as the peak: no setting of the kernel comes "
            "near what that saves"},
    Counsel{{Proxy},
            "bind source addresses with IP_BIND_ADDRESS_NO_PORT; more source or upstream addresses multiply the "
            "ports"},
    Counsel{{Proxy, Database},
            "set TCP_USER_TIMEOUT (10 to 60 s) on connections to others: a hung peer is noticed before "
            "the request's own time is over"},
    Counsel{{Bulk}, "send files with sendfile or kTLS; pace media with SO_MAX_PACING_RATE at 1.2 to 2 times its rate"},
    Counsel{{Bulk},
            "compare BBR with cubic by goodput and retransmissions, in turn, before one is kept; the rate of "
            "retransmissions must not double"},
    Counsel{{Bulk}, "leave SO_SNDBUF and SO_RCVBUF unset in daemons: a fixed size switches autotuning off"},
    Counsel{{Database},
            "for replication over distance alone: a route to that peer with its own congctl and initcwnd, "
            "rather than settings for all"},
    Counsel{{Database},
            "inside one data centre rto_min 5 to 20 ms on the route shortens 200 ms tails; watch "
            "TcpExtTCPSpuriousRTOs afterwards"},
    Counsel{{Streaming},
            "set the broker's and clients' socket buffer options to -1 (the system's autotuning): their "
            "shipped defaults near 100 KB limit distant peers"},
    Counsel{{Streaming},
            "spread receive queues and their interrupts over the cores of the card's node first; RFS "
            "(rps_sock_flow_entries) where consumers move between cores"},
    Counsel{{LowLatency},
            "one core each for a feed: isolcpus, nohz_full, rcu_nocbs, its queue and interrupt there, "
            "ntuple rules that bring the feed to it; keep one core for the kernel's own work"},
    Counsel{{LowLatency},
            "rx-usecs 0, adaptive-rx off, EEE and pause off; performance governor and no deep idle states; "
            "measure p99 with each step"},
    Counsel{{LowLatency},
            "TCP_NODELAY on every order connection, SO_PREFER_BUSY_POLL with gro_flush_timeout on a core of "
            "its own; below some 5 us only a bypass of the stack helps"},
    Counsel{{LowLatency}, "multicast feeds: net.ipv4.igmp_max_memberships as many as groups on one socket"},
    Counsel{{Game, Voip},
            "let the program ask for its receive buffer (SO_RCVBUF): raising rmem_max alone changes "
            "nothing"},
    Counsel{{Game},
            "several sockets with SO_REUSEPORT, recvmmsg and sendmmsg; hash UDP by ports (rx-flow-hash udp4 sdfn); "
            "payloads of at most 1200 bytes"},
    Counsel{{Game}, "spread each tick's packets over the tick, or pace them with fq"},
    Counsel{{Voip},
            "mark media EF and give it strict priority, or cake with diffserv at 90 to 95 % of the access link's "
            "rate: queues there are the enemy"},
    Counsel{{Voip}, "keep the firewall's SIP helper off unless the phones need it; SIP over TCP avoids fragments"},
    Counsel{{Gateway}, "several public addresses for NAT with fully random ports: exhaustion is for each destination"},
    Counsel{{Gateway}, "clamp the MSS to the path's MTU on tunnels and let ICMP 'packet too big' through"},
    Counsel{{Gateway}, "a flowtable for established flows, notrack for what needs no state"},
    Counsel{{IdleConnections},
            "let clients come back at random times after an outage, with TLS tickets: the storm is "
            "what fills queues"},
    Counsel{{IdleConnections},
            "several addresses or ports of the service: one client address has at most 64,512 ports "
            "towards each"},
    Counsel{{IdleConnections}, "thash_entries at boot of half the connections or more; notrack for the service's port"},
    Counsel{{Kubernetes},
            "settings of a network namespace reach only pods that start afterwards, and only some are "
            "copied: set them in the pod (securityContext.sysctls)"},
    Counsel{{Kubernetes},
            "kube-proxy sets nf_conntrack_max itself: change it there (conntrack.maxPerCore), or the two "
            "take turns"},
    Counsel{{Kubernetes},
            "MTU of pods = the network's minus the overlay (VXLAN 50, WireGuard 60 to 80); a DNS cache on "
            "the node"},
    Counsel{{CloudGuest},
            "read the provider's counters first (ethtool -S: *_allowance_exceeded): no setting of the guest "
            "lifts its limits"},
    Counsel{{CloudGuest},
            "use all queues the device has (ethtool -l), keep TSO, GSO and GRO on: the host relies on large "
            "frames"},
    Counsel{{CloudGuest}, "a single flow is limited by many providers (5 to 10 Gbit/s): use several"},
};

constexpr std::array covered_rows{
    Covered{acceptors, "accept queues: somaxconn = 2 x connection rate x pause, a power of two from 4096 to 16384",
            "somaxconn-small"},
    Covered{acceptors, "the programs' own backlogs, by the same formula", "listen-backlog-small"},
    Covered{acceptors, "open files: 1.1 x connections (x 2 for a proxy) + 512", "descriptors-short"},
    Covered{servers, "tcp_rmem[2] = 2 x bandwidth x RTT / 8 (5 x on paths that lose), never below what runs",
            "tcp-receive-buffer-below-bdp"},
    Covered{servers, "tcp_wmem[2] = 2 x bandwidth x RTT / 8 (4 x on paths that lose), never below what runs",
            "tcp-send-buffer-below-bdp"},
    Covered{far_senders, "BBR with fq, where loss is seen on a long path", "lossy-path-loss-based"},
    Covered{far_senders, "BBR, where this host's own data keeps a queue standing", "tcp-standing-queue"},
    Covered{far_senders, "tcp_slow_start_after_idle = 0, from an RTT of 10 ms on", "slow-start-after-idle"},
    Covered{far_senders, "tcp_mtu_probing = 1, from an RTT of 20 ms on", "mtu-probing-off"},
    Covered{long_lived, "keepalive before middleboxes forget: a time by workload, from 60 to 300 s", "keepalive-late"},
    Covered{{Proxy, WebServer, Kubernetes},
            "ports towards one destination: connects a second x 60 s against ip_local_port_range; tcp_tw_reuse",
            "ephemeral-ports-short"},
    Covered{{Streaming, Bulk}, "netdev_budget and its time, while squeezes grow", "softirq-time-squeeze"},
    Covered{datagrams, "rmem_max and the program's request, while datagrams are lost", "udp-receive-drops"},
    Covered{datagrams, "UDP hashed by ports, where one queue carries the load", "nic-udp-hash-without-ports"},
    Covered{{Gateway, Kubernetes},
            "nf_conntrack_max = 1.5 x new flows a second x mean life; buckets beside it",
            "conntrack-table-nearly-full"},
    Covered{{Gateway}, "timeout of established connections, between 7440 and 86400 s", "conntrack-established-timeout"},
    Covered{{Gateway}, "no redirects, LRO off, reverse-path checks", "redirects-sent"},
    Covered{{Gateway, Kubernetes}, "neighbour table: gc_thresh3 = 2 x peak", "neighbour-table-nearly-full"},
    Covered{{CloudGuest}, "the provider's limits, while they cut in", "cloud-allowance-exceeded"},
    Covered{{CloudGuest}, "CPU time that the hypervisor takes", "cpu-steal"},
};

constexpr std::array leave_alone_rows{
    LeaveAlone{WebServer,
               "large first buffers (tcp_rmem[1]), tcp_tw_reuse for incoming connections, backlogs of 65535"},
    LeaveAlone{Proxy, "ports from 1024 on without reserving the listeners'; tcp_fin_timeout as a cure for TIME_WAIT"},
    LeaveAlone{Bulk, "rmem_max and wmem_max: autotuning does not look at them"},
    LeaveAlone{Database, "buffers inside one data centre (10 Gbit/s x 0.5 ms = 0.6 MB is below the default); strong "
                         "interrupt coalescing, which delays commits"},
    LeaveAlone{Streaming, "netdev_max_backlog of 65535; the hope that larger buffers prevent loss"},
    LeaveAlone{LowLatency, "irqbalance, RPS and RFS, long rings, coalescing, BBR"},
    LeaveAlone{Game, "TCP buffers, BBR, deep rings"},
    LeaveAlone{Voip, "retransmission settings (UDP has none), jumbo frames"},
    LeaveAlone{Gateway, "tcp_rmem, congestion control, somaxconn, tw_reuse: they do not act on packets passed on"},
    LeaveAlone{IdleConnections, "busy polling, long rings, a huge tcp_rmem[2]: a few talkers could use up the memory"},
    LeaveAlone{Kubernetes, "the host's namespace in the hope that running pods follow; default_qdisc for veth"},
    LeaveAlone{CloudGuest, "governor and idle states (not the guest's), pause and EEE, PCIe settings"},
};

constexpr std::array clash_rows{
    Clash{
        {Bulk, Streaming, WebServer, Proxy},
        {LowLatency, Game, Voip},
        "coalescing, ring lengths, GRO and the softirq budget: throughput wants much at once, latency wants each "
        "packet "
        "now",
        "give each its own queues and cores (ntuple rules, RSS contexts, interrupt affinity) instead of a middle that "
        "suits neither"},
    Clash{servers,
          {Gateway},
          "ip_early_demux, LRO, connection tracking and rp_filter: a server looks up its own sockets, a router passes "
          "packets on",
          "they follow the router; better, route in a network namespace of its own"},
    Clash{{WebServer, Bulk, Proxy},
          {Database, Streaming, LowLatency},
          "the congestion control: BBR may suit far clients and harms neighbours inside the data centre",
          "choose it by route (ip route … congctl), not for the whole host"},
    Clash{{IdleConnections},
          {Bulk},
          "tcp_rmem and tcp_wmem: many silent connections want a small start, bulk transfers a large end",
          "small defaults with a large maximum, and a bound on how many may be in bulk at once"},
    Clash{{Kubernetes},
          {WebServer, Proxy, Database, Streaming, Bulk, IdleConnections, Gateway},
          "whose setting it is: the node's own namespace, or each pod's",
          "host-wide settings follow the sum of all tenants; settings of a namespace belong in the pod"},
    Clash{{LowLatency},
          {WebServer, Proxy, IdleConnections},
          "busy polling: it burns a core for one program and helps none of the many connections",
          "ask for it with SO_BUSY_POLL on the sockets that need it instead of net.core.busy_read"},
};

} // namespace

std::span<const Counsel> counsels() { return counsel_rows; }
std::span<const Covered> covered() { return covered_rows; }
std::span<const LeaveAlone> leave_alone() { return leave_alone_rows; }
std::span<const Clash> clashes() { return clash_rows; }

} // namespace netwright::advise
