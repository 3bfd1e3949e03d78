// SPDX-License-Identifier: GPL-2.0-or-later
// Does a connection to a service really use several paths? Tried, not read from settings.
#pragma once

#include "base/error.h"
#include "base/ip_prefix.h"

#include <chrono>
#include <cstdint>

namespace netwright::kernel {

struct Service {
    IpPrefix address; // a single host
    std::uint16_t port = 0;
};

struct MultipathView {
    bool is_multipath = false;  // false: it fell back to plain TCP
    std::uint32_t subflows = 0; // the first one included
};

// Connects, sends an empty line (the further paths are opened when the first data is acknowledged), and looks until
// there are two subflows or `patience` ends. Unsupported: the kernel has no MPTCP, or it is switched off.
Result<MultipathView> try_mptcp(const Service& service, std::chrono::milliseconds patience);

} // namespace netwright::kernel
