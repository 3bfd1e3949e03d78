// SPDX-License-Identifier: GPL-2.0-or-later
// For kernels built without ethtool netlink (CONFIG_ETHTOOL_NETLINK): its messages, answered through SIOCETHTOOL.
// A kernel from 5.10 on that has the family has every message that netwright sends, and asks the same functions of the
// driver for both; so the ioctl is never asked for a message that netlink has refused.
#pragma once

#include "kernel/netlink.h"

#include <memory>

namespace netwright::kernel {

enum class EthtoolIoctl { WhereNetlinkHasNone, Always };

// Passes everything on to `netlink` but questions to the family "ethtool" where the ioctl is to answer them: offloads,
// rings, channels, coalescing, pause, EEE, private flags, link modes, names. Other messages are Unsupported then, as on
// an older kernel, and so are attributes that the ioctl's structures do not have (coalescing by CQE).
std::unique_ptr<Netlink> with_ethtool_ioctl(std::unique_ptr<Netlink> netlink,
                                            EthtoolIoctl when = EthtoolIoctl::WhereNetlinkHasNone);

} // namespace netwright::kernel
