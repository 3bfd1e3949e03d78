// SPDX-License-Identifier: GPL-2.0-or-later
// Pause frames (IEEE 802.3x flow control) of a link.
#include "tunable/ethtool_group.h"

#include <linux/ethtool_netlink.h>

#include <array>

namespace netwright::tunable {
namespace {

constexpr auto on_off = EthtoolField::Form::Switch;

constexpr std::array fields{
    EthtoolField{"autoneg", ETHTOOL_A_PAUSE_AUTONEG, 0, "autoneg", on_off},
    EthtoolField{"rx", ETHTOOL_A_PAUSE_RX, 0, "rx", on_off},
    EthtoolField{"tx", ETHTOOL_A_PAUSE_TX, 0, "tx", on_off},
};
constexpr EthtoolGroup pause_frames{"pause", ETHTOOL_MSG_PAUSE_GET, ETHTOOL_MSG_PAUSE_SET, "-A", fields};

struct Pause : EthtoolGroupKind<pause_frames> {
    // With negotiation on, what both sides agree on decides over rx and tx.
    static std::vector<Tunable> also_changed_by(kernel::Kernel&, const NicSetting& setting)
    {
        std::vector<Tunable> found;
        for (const EthtoolField& field : fields)
            found.emplace_back(NicSetting{setting.nic, setting.group, std::string(field.name)});
        return found;
    }
};

} // namespace

constexpr Kind nic_pause_kind = kind_of<Pause>("nic/pause", "ethtool netlink PAUSE_GET, PAUSE_SET");

} // namespace netwright::tunable
