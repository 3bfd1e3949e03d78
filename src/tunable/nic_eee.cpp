// SPDX-License-Identifier: GPL-2.0-or-later
// Energy-Efficient Ethernet: the link sleeps between packets, and waking up costs microseconds.
#include "tunable/ethtool_group.h"

#include <linux/ethtool_netlink.h>

#include <array>

namespace netwright::tunable {
namespace {

constexpr auto on_off = EthtoolField::Form::Switch;

constexpr std::array fields{
    EthtoolField{"enabled", ETHTOOL_A_EEE_ENABLED, 0, "eee", on_off},
    EthtoolField{"tx-lpi", ETHTOOL_A_EEE_TX_LPI_ENABLED, 0, "tx-lpi", on_off},
    EthtoolField{"tx-timer", ETHTOOL_A_EEE_TX_LPI_TIMER},
};
constexpr EthtoolGroup eee{"eee", ETHTOOL_MSG_EEE_GET, ETHTOOL_MSG_EEE_SET, "--set-eee", fields};

} // namespace

constexpr Kind nic_eee_kind = kind_of<EthtoolGroupKind<eee>>("nic/eee", "ethtool netlink EEE_GET, EEE_SET");

} // namespace netwright::tunable
