// SPDX-License-Identifier: GPL-2.0-or-later
// What programs need that take a NIC from the kernel: huge pages, IOMMU, VFIO, XDP.
#pragma once

#include "kernel/kernel.h"
#include "model/bypass.h"
#include "model/snapshot.h"

#include <span>
#include <string_view>

namespace netwright::host {

// Reads what a snapshot does not hold; the NICs are those of `host` with a device behind them. Never fails as a whole.
BypassFacts collect_bypass(kernel::Kernel& kernel, const Snapshot& host);

// ---- the parsers ----

std::vector<std::string> parse_hugetlbfs(std::string_view mounts); // /proc/mounts
struct DeviceXdp {
    std::uint32_t interface = 0;
    XdpSupport support;
};
// The attributes of one NETDEV_CMD_DEV_GET answer.
DeviceXdp parse_device_xdp(std::span<const std::byte> attributes);

} // namespace netwright::host
