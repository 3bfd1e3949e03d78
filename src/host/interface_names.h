// SPDX-License-Identifier: GPL-2.0-or-later
// Names for the interface indexes in netlink answers, asked once each.
#pragma once

#include "kernel/ethtool.h"
#include "kernel/kernel.h"

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

namespace netwright::host {

using NameOf = std::function<std::string(std::uint32_t index)>; // 0 is ""

class InterfaceNames {
public:
    explicit InterfaceNames(const kernel::Kernel& kernel);
    std::string operator()(std::uint32_t index); // "if7" for an interface that has gone, as ip(8) writes it

private:
    Result<kernel::EthtoolSocket> socket_;
    std::unordered_map<std::uint32_t, std::string> names_;
};

} // namespace netwright::host
