// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptor rings. Most drivers take the link down and up again to change them; their settings stay.
#include "tunable/ethtool_group.h"

#include <linux/ethtool_netlink.h>

#include <algorithm>
#include <array>
#include <bit>

namespace netwright::tunable {
namespace {

constexpr std::array fields{
    EthtoolField{"rx", ETHTOOL_A_RINGS_RX, ETHTOOL_A_RINGS_RX_MAX},
    EthtoolField{"rx-mini", ETHTOOL_A_RINGS_RX_MINI, ETHTOOL_A_RINGS_RX_MINI_MAX},
    EthtoolField{"rx-jumbo", ETHTOOL_A_RINGS_RX_JUMBO, ETHTOOL_A_RINGS_RX_JUMBO_MAX},
    EthtoolField{"tx", ETHTOOL_A_RINGS_TX, ETHTOOL_A_RINGS_TX_MAX},
};
constexpr EthtoolGroup rings{"ring", ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_RINGS_SET, "-G", fields};

// Drivers round up: e1000e and ixgbe to 8 descriptors, i40e and ice to 32, vmxnet3 with jumbo frames to 96, mlx5 to a
// power of two. The sizes that people ask for are multiples of all but 96: they equal nothing else by accident.
struct RingKind : EthtoolGroupKind<rings> {
    static bool same(const NicSetting&, const Value& a, const Value& b)
    {
        const auto *one = std::get_if<std::int64_t>(&a), *other = std::get_if<std::int64_t>(&b);
        if (!one || !other || *one < 0 || *other < 0) return a == b;
        const auto [asked, given] = std::minmax({static_cast<std::uint64_t>(*one), static_cast<std::uint64_t>(*other)});
        return given == asked || given == std::bit_ceil(asked) || std::ranges::any_of(steps, [=](std::uint64_t step) {
                   return given == (asked + step - 1) / step * step;
               });
    }
    static constexpr std::array<std::uint64_t, 3> steps{8, 32, 96};
};

} // namespace

constexpr Kind nic_ring_kind = kind_of<RingKind>("nic/ring", "ethtool netlink RINGS_GET, RINGS_SET");

} // namespace netwright::tunable
