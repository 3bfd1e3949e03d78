// SPDX-License-Identifier: GPL-2.0-or-later
// Interrupt coalescing, in the words of `ethtool -C`.
#include "tunable/ethtool_group.h"

#include <linux/ethtool_netlink.h>

#include <array>

namespace netwright::tunable {
namespace {

constexpr auto on_off = EthtoolField::Form::Switch;

constexpr std::array fields{
    EthtoolField{"adaptive-rx", ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, 0, "adaptive-rx", on_off},
    EthtoolField{"adaptive-tx", ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX, 0, "adaptive-tx", on_off},
    EthtoolField{"rx-usecs", ETHTOOL_A_COALESCE_RX_USECS},
    EthtoolField{"rx-frames", ETHTOOL_A_COALESCE_RX_MAX_FRAMES},
    EthtoolField{"rx-usecs-irq", ETHTOOL_A_COALESCE_RX_USECS_IRQ},
    EthtoolField{"rx-frames-irq", ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ},
    EthtoolField{"tx-usecs", ETHTOOL_A_COALESCE_TX_USECS},
    EthtoolField{"tx-frames", ETHTOOL_A_COALESCE_TX_MAX_FRAMES},
    EthtoolField{"tx-usecs-irq", ETHTOOL_A_COALESCE_TX_USECS_IRQ},
    EthtoolField{"tx-frames-irq", ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ},
    EthtoolField{"stats-block-usecs", ETHTOOL_A_COALESCE_STATS_BLOCK_USECS},
    EthtoolField{"pkt-rate-low", ETHTOOL_A_COALESCE_PKT_RATE_LOW},
    EthtoolField{"rx-usecs-low", ETHTOOL_A_COALESCE_RX_USECS_LOW},
    EthtoolField{"rx-frames-low", ETHTOOL_A_COALESCE_RX_MAX_FRAMES_LOW},
    EthtoolField{"tx-usecs-low", ETHTOOL_A_COALESCE_TX_USECS_LOW},
    EthtoolField{"tx-frames-low", ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW},
    EthtoolField{"pkt-rate-high", ETHTOOL_A_COALESCE_PKT_RATE_HIGH},
    EthtoolField{"rx-usecs-high", ETHTOOL_A_COALESCE_RX_USECS_HIGH},
    EthtoolField{"rx-frames-high", ETHTOOL_A_COALESCE_RX_MAX_FRAMES_HIGH},
    EthtoolField{"tx-usecs-high", ETHTOOL_A_COALESCE_TX_USECS_HIGH},
    EthtoolField{"tx-frames-high", ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH},
    EthtoolField{"sample-interval", ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL},
    EthtoolField{"cqe-mode-rx", ETHTOOL_A_COALESCE_USE_CQE_MODE_RX, 0, "cqe-mode-rx", on_off},
    EthtoolField{"cqe-mode-tx", ETHTOOL_A_COALESCE_USE_CQE_MODE_TX, 0, "cqe-mode-tx", on_off},
};
constexpr EthtoolGroup coalescing{"coalesce", ETHTOOL_MSG_COALESCE_GET, ETHTOOL_MSG_COALESCE_SET, "-C", fields};

struct Coalesce : EthtoolGroupKind<coalescing> {
    // A driver may set intervals anew when it begins or ends to adapt them, and some keep one interval for both
    // directions.
    static std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const NicSetting& setting)
    {
        std::vector<Tunable> found;
        const auto numbers = ask_numbers(kernel, coalescing, setting.nic);
        if (!numbers) return found;
        for (const EthtoolField& field : fields)
            if (value_of(field, *numbers))
                found.emplace_back(NicSetting{setting.nic, setting.group, std::string(field.name)});
        return found;
    }
};

} // namespace

constexpr Kind nic_coalesce_kind = kind_of<Coalesce>("nic/coalesce", "ethtool netlink COALESCE_GET, COALESCE_SET");

} // namespace netwright::tunable
