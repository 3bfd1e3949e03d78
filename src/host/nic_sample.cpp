// SPDX-License-Identifier: GPL-2.0-or-later
// A second look at the counters.
#include "host/nic_sample.h"

#include "host/growth.h"
#include "host/nic_driver.h"
#include "host/nic_link.h"

#include <algorithm>

namespace netwright::host {

Result<std::vector<Nic>> sample_nics(kernel::Kernel& kernel)
{
    const auto ethtool = kernel::EthtoolSocket::open();
    std::vector<Nic> nics;
    for (const Nic& link : TRY(collect_links(*kernel.netlink))) {
        Nic nic;
        nic.name = link.name;
        nic.index = link.index;
        nic.statistics = link.statistics;
        nic.carrier_changes = link.carrier_changes;
        if (ethtool) read_driver_statistics(*ethtool, nic);
        nics.push_back(std::move(nic));
    }
    return nics;
}

Result<void> resample_nics(kernel::Kernel& kernel, std::vector<Nic>& nics)
{
    std::vector<Nic> sample = TRY(sample_nics(kernel));
    grow_since(sample, nics);
    for (Nic& nic : nics) {
        const auto found = std::ranges::find(sample, nic.name, &Nic::name);
        if (found == sample.end() || found->index != nic.index) continue;
        nic.statistics = std::move(found->statistics);
        nic.carrier_changes = std::move(found->carrier_changes);
        nic.driver_statistics = std::move(found->driver_statistics);
    }
    return {};
}

} // namespace netwright::host
