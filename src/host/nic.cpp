// SPDX-License-Identifier: GPL-2.0-or-later
// The interfaces of a host: rtnetlink for what all have, then ethtool, sysfs and the netdev family for the rest.
#include "host/collect.h"
#include "host/nic_link.h"

namespace netwright::host {

Result<std::vector<Nic>> collect_nics(kernel::Kernel& kernel)
{
    std::vector<Nic> nics = TRY(collect_links(*kernel.netlink));
    return nics;
}

} // namespace netwright::host
