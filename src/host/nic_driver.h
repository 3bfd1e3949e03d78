// SPDX-License-Identifier: GPL-2.0-or-later
// What only the driver itself tells of an interface: its name and version, its own counters, what it hashes.
#pragma once

#include "kernel/ethtool.h"
#include "model/nic.h"

namespace netwright::host {

void read_driver(const kernel::EthtoolSocket& ethtool, Nic& nic);            // driver, versions, bus
void read_driver_statistics(const kernel::EthtoolSocket& ethtool, Nic& nic); // ethtool -S
// The hash fields of each flow, and the whole of `rss` where netlink did not tell.
void read_hashing(const kernel::EthtoolSocket& ethtool, Nic& nic);

} // namespace netwright::host
