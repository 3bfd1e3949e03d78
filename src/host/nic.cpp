// SPDX-License-Identifier: GPL-2.0-or-later
// The interfaces of a host: rtnetlink for what all have, then ethtool, the netdev family and sysfs for the rest.
#include "host/collect.h"
#include "host/nic_driver.h"
#include "host/nic_ethtool.h"
#include "host/nic_files.h"
#include "host/nic_link.h"
#include "host/nic_napi.h"
#include "host/nic_sysfs.h"

namespace netwright::host {
namespace {

// Before 5.14 rtnetlink did not tell of the device behind an interface; those without a kind may have one.
void look_for_device(const kernel::Files& files, Nic& nic)
{
    if (!nic.physical && !nic.loopback && nic.kind.empty())
        nic.physical = files.exists("sys/class/net/" + nic.name + "/device");
}

void read_drivers(std::vector<Nic>& nics)
{
    const auto ethtool = kernel::EthtoolSocket::open();
    for (Nic& nic : nics) {
        if (ethtool) {
            read_driver(*ethtool, nic);
            read_driver_statistics(*ethtool, nic);
            read_hashing(*ethtool, nic);
        } else {
            nic.driver = nic.driver_version = nic.firmware_version = nic.bus = std::unexpected(ethtool.error());
            nic.driver_statistics = std::unexpected(ethtool.error());
        }
    }
}

} // namespace

Result<std::vector<Nic>> collect_nics(kernel::Kernel& kernel)
{
    auto nics = collect_links(*kernel.netlink);
    if (!nics && !kernel.files.is_live()) return collect_nics_from_files(kernel.files, nics.error());
    if (!nics) return nics;
    read_ethtool(*kernel.netlink, *nics);
    read_napis(*kernel.netlink, *nics);
    if (kernel.files.is_live()) read_drivers(*nics);
    for (Nic& nic : *nics) {
        look_for_device(kernel.files, nic);
        read_sysfs(kernel.files, nic);
    }
    return nics;
}

} // namespace netwright::host
