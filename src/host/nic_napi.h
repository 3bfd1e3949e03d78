// SPDX-License-Identifier: GPL-2.0-or-later
// NAPI instances, from the "netdev" generic netlink family.
#pragma once

#include "kernel/netlink.h"
#include "model/nic.h"

#include <span>
#include <vector>

namespace netwright::host {

// Fills `napis` of every interface; empty for one that has none or is down. Unsupported before Linux 6.8.
void read_napis(kernel::Netlink& netlink, std::vector<Nic>& nics);

struct InterfaceNapi {
    std::uint32_t interface = 0; // index
    Napi napi;
};
// The attributes behind the generic netlink header of one answer to NETDEV_CMD_NAPI_GET.
InterfaceNapi parse_napi(std::span<const std::byte> attributes);

} // namespace netwright::host
