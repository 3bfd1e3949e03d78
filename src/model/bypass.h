// SPDX-License-Identifier: GPL-2.0-or-later
// What a host has for programs that take a NIC from the kernel, and how ready that makes it.
#pragma once

#include "base/units.h"
#include "model/reading.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netwright {

struct HugePagePool {
    Bytes page_size;
    std::uint64_t total = 0, free = 0;
    bool operator==(const HugePagePool&) const = default;
};

struct XdpSupport {             // what the driver says of itself (netdev netlink, Linux 6.3)
    bool native = false;        // programs run in the driver
    bool redirect = false;      // XDP_REDIRECT from it
    bool transmit = false;      // …and to it
    bool zero_copy = false;     // AF_XDP without a copy
    bool multi_buffer = false;  // frames larger than a page
    std::uint32_t segments = 0; // of a frame with zero copy; 0: not told
    bool operator==(const XdpSupport&) const = default;
};

struct BypassNic {
    std::string name, driver;
    bool busy = false;    // it holds an address or a route: the host talks over it
    std::string used_for; // "default route", "10.0.0.5/24"; "" if nothing is known
    Result<XdpSupport> xdp = unseen();
    Result<std::uint64_t> iommu_group = unseen(); // of the device behind it; Absent: none
    bool operator==(const BypassNic&) const = default;
};

struct BypassFacts {
    Result<std::vector<HugePagePool>> huge_pages = unseen();
    Result<std::vector<std::string>> hugetlbfs = unseen(); // where it is mounted
    Result<std::uint64_t> iommu_groups = unseen();
    bool vfio_pci = false;          // its driver is there (module loaded or built in)
    bool vfio_no_iommu = false;     // enable_unsafe_noiommu_mode
    Result<bool> af_xdp = unseen(); // CONFIG_XDP_SOCKETS
    Result<std::string> command_line = unseen();
    std::vector<BypassNic> nics; // those with a device behind them
    bool operator==(const BypassFacts&) const = default;
};

// One statement about readiness: what, how it stands, and what to do.
struct BypassCheck {
    enum class State { Ready, Missing, Partly, Unknown };
    std::string what; // "huge pages"
    State state = State::Unknown;
    std::string seen;   // "0 of 2 MiB, 0 of 1 GiB"
    std::string remedy; // "" where nothing is to do
    bool operator==(const BypassCheck&) const = default;
};
std::string_view to_text(BypassCheck::State state); // "ready", "missing", "partly", "unknown"

struct BypassReport {
    struct PerNic {
        std::string name, driver;
        std::vector<BypassCheck> checks; // XDP, AF_XDP, the poll-mode driver
        std::vector<std::string> lost;   // what the kernel no longer does once DPDK has the device
    };
    std::vector<BypassCheck> host;
    std::vector<PerNic> nics;
};

} // namespace netwright
