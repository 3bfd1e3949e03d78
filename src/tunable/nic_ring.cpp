// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptor rings. Most drivers take the link down and up again to change them; their settings stay.
#include "tunable/ethtool_group.h"

#include <linux/ethtool_netlink.h>

#include <array>

namespace netwright::tunable {
namespace {

constexpr std::array fields{
    EthtoolField{"rx", ETHTOOL_A_RINGS_RX, ETHTOOL_A_RINGS_RX_MAX},
    EthtoolField{"rx-mini", ETHTOOL_A_RINGS_RX_MINI, ETHTOOL_A_RINGS_RX_MINI_MAX},
    EthtoolField{"rx-jumbo", ETHTOOL_A_RINGS_RX_JUMBO, ETHTOOL_A_RINGS_RX_JUMBO_MAX},
    EthtoolField{"tx", ETHTOOL_A_RINGS_TX, ETHTOOL_A_RINGS_TX_MAX},
};
constexpr EthtoolGroup rings{"ring", ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_RINGS_SET, "-G", fields};

} // namespace

constexpr Kind nic_ring_kind = kind_of<EthtoolGroupKind<rings>>("nic/ring", "ethtool netlink RINGS_GET, RINGS_SET");

} // namespace netwright::tunable
