// SPDX-License-Identifier: GPL-2.0-or-later
// A network interface: what it is, how it is set, what it counted.
#pragma once

#include "base/cpu_set.h"
#include "model/counter.h"
#include "model/reading.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netwright {

struct Ring {
    std::uint32_t length = 0;  // descriptors in use
    std::uint32_t longest = 0; // what the driver allows
    bool operator==(const Ring&) const = default;
};

struct Channels { // ethtool -l
    std::uint32_t rx = 0, tx = 0, other = 0, combined = 0;
    std::uint32_t rx_max = 0, tx_max = 0, other_max = 0, combined_max = 0;
    bool operator==(const Channels&) const = default;
};

struct Coalescing { // ethtool -c; absent members are not known to the driver
    std::optional<bool> adaptive_rx, adaptive_tx;
    std::optional<std::uint32_t> rx_usecs, rx_frames, tx_usecs, tx_frames;
    std::optional<std::uint32_t> rx_usecs_irq, rx_frames_irq, tx_usecs_irq, tx_frames_irq;
    bool operator==(const Coalescing&) const = default;
};

struct Feature { // an offload, by the kernel's own name: "tx-tcp-segmentation", "rx-gro"
    std::string name;
    bool active = false;
    bool wanted = false; // what was asked for; differs from active when a dependency is off
    bool fixed = true;   // the driver cannot change it
    bool operator==(const Feature&) const = default;
};

struct HashFields {     // ethtool -n DEV rx-flow-hash TYPE
    std::string flow;   // "tcp4", "udp4", "tcp6", "udp6", …
    std::string fields; // letters as ethtool takes them, in this order: m v t s d f n; "" = not hashed
    bool operator==(const HashFields&) const = default;
};

struct Rss { // ethtool -x
    std::vector<std::uint32_t> indirection;
    std::string key;      // "6d:5a:…"
    std::string function; // "toeplitz", "xor", "crc32", "" = unknown
    Result<std::vector<HashFields>> fields = unseen();
    bool operator==(const Rss&) const = default;
};

struct NicInterrupt {
    unsigned irq = 0;
    std::string action;                  // "virtio0-input.0"
    Result<CpuSet> affinity = unseen();  // smp_affinity_list
    Result<CpuSet> effective = unseen(); // effective_affinity_list
    Result<int> node = unseen();
    bool operator==(const NicInterrupt&) const = default;
};

struct Queue {                                   // /sys/class/net/DEV/queues/*
    std::string name;                            // "rx-0", "tx-3"
    Result<CpuSet> cpus = unseen();              // rx: rps_cpus; tx: xps_cpus
    Result<std::uint64_t> flow_count = unseen(); // rx only: rps_flow_cnt
    Result<std::string> xps_rxqs = unseen();     // tx only, a mask of receive queues as text
    bool operator==(const Queue&) const = default;
};

struct Napi { // netdev generic netlink napi-get (6.8), settings from 6.13
    std::uint32_t id = 0;
    std::optional<std::uint32_t> irq, pid;
    std::optional<std::uint64_t> defer_hard_irqs, gro_flush_timeout_ns, irq_suspend_timeout_ns;
    std::optional<bool> threaded;
    bool operator==(const Napi&) const = default;
};

struct XdpProgram {
    std::string mode; // "native", "generic", "offloaded"
    std::uint32_t id = 0;
    bool operator==(const XdpProgram&) const = default;
};

struct VirtualFunctions { // SR-IOV
    std::uint32_t configured = 0, possible = 0;
    bool operator==(const VirtualFunctions&) const = default;
};

struct SegmentLimits { // bytes per super-packet; segs in segments
    std::optional<std::uint32_t> gso_max_size, gso_max_segs, gro_max_size, tso_max_size, tso_max_segs;
    std::optional<std::uint32_t> gso_ipv4_max_size, gro_ipv4_max_size; // from 6.3
    bool operator==(const SegmentLimits&) const = default;
};

struct Nic {
    std::string name;
    std::uint32_t index = 0;
    std::string kind; // rtnetlink kind: "veth", "bridge", "tun", "vlan"; "" for hardware and lo
    bool loopback = false;
    bool physical = false;                         // has a device behind it (/sys/class/net/X/device)
    bool up = false;                               // administratively
    bool carrier = false;                          // a link is there
    std::string address;                           // link-layer address, "52:54:00:…"
    std::optional<std::uint32_t> master;           // index of the bridge or bond it belongs to
    std::uint32_t mtu = 0;                         // bytes
    std::optional<std::uint32_t> min_mtu, max_mtu; // 0 or absent: no limit told
    std::uint32_t txqueuelen = 0;                  // packets
    std::uint32_t rx_queues = 0, tx_queues = 0;    // allocated, as rtnetlink tells; see queues for those in use
    Result<std::string> driver = unseen();
    Result<std::string> driver_version = unseen(), firmware_version = unseen();
    Result<std::string> bus = unseen(); // "0000:00:03.0", "virtio0"
    Result<int> node = unseen();        // NUMA node; -1 = the firmware does not say
    Result<CpuSet> local_cpus = unseen();
    Result<std::uint32_t> speed_mbit = unseen(); // Mbit/s; Absent when the driver does not know
    Result<std::string> duplex = unseen();       // "full", "half", "unknown"
    Result<Channels> channels = unseen();
    Result<Ring> rx_ring = unseen(), tx_ring = unseen();
    Result<Coalescing> coalescing = unseen();
    Result<std::vector<Feature>> features = unseen();
    Result<Rss> rss = unseen();
    Result<std::vector<NicInterrupt>> interrupts = unseen();
    Result<std::vector<Queue>> queues = unseen();
    SegmentLimits limits;
    Result<std::uint64_t> gro_flush_timeout_ns = unseen(); // per device (sysfs)
    Result<std::uint64_t> napi_defer_hard_irqs = unseen();
    Result<bool> threaded = unseen();
    Result<std::vector<Napi>> napis = unseen();
    std::vector<XdpProgram> xdp;
    Result<VirtualFunctions> virtual_functions = unseen();
    Result<Counter> carrier_changes = unseen();
    Result<CounterTable> statistics = unseen(); // IFLA_STATS64, kernel names: "rx_packets", "rx_missed_errors", …
    Result<CounterTable> driver_statistics = unseen(); // ethtool -S, driver names
    bool operator==(const Nic&) const = default;
};

} // namespace netwright
