// SPDX-License-Identifier: GPL-2.0-or-later
// The settings of NICs as a kernel without ethtool netlink is asked for them, compared with what netlink says.
#pragma once

#include "kernel/ethtool_ioctl.h"
#include "kernel/kernel.h"
#include "tunable/tunable_kind.h"

#include <map>
#include <stdexcept>
#include <string>

namespace support {

inline netwright::kernel::Kernel by_ioctl(netwright::kernel::Kernel kernel)
{
    kernel.netlink = netwright::kernel::with_ethtool_ioctl(netwright::kernel::live_netlink(),
                                                           netwright::kernel::EthtoolIoctl::Always);
    return kernel;
}

// Address and value of each setting of every NIC.
inline std::map<std::string, std::string> nic_settings(netwright::kernel::Kernel& kernel)
{
    std::map<std::string, std::string> all;
    const auto tunables = netwright::tunable::list(kernel);
    if (!tunables) throw std::runtime_error(tunables.error().what);
    for (const netwright::Tunable& tunable : *tunables) {
        const std::string name = to_text(tunable);
        if (!name.starts_with("nic/")) continue;
        const auto value = netwright::tunable::read(kernel, tunable);
        all[name] = !value ? value.error().what : *value ? to_text(**value) : "nothing";
    }
    return all;
}

// Which words of coalescing a driver knows only netlink tells: the ioctl shows 0 for the others, and they are not
// compared.
inline std::map<std::string, std::string> told_by_both(const std::map<std::string, std::string>& netlink,
                                                       std::map<std::string, std::string> ioctl)
{
    std::erase_if(ioctl, [&](const auto& one) {
        const auto& [name, value] = one;
        return name.find("/coalesce/") != name.npos && !netlink.contains(name) && (value == "0" || value == "off");
    });
    return ioctl;
}

} // namespace support
