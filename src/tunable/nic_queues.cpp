// SPDX-License-Identifier: GPL-2.0-or-later
// Queues (channels). Fewer or more of them make the kernel forget steering masks, and the driver its RSS table.
#include "tunable/ethtool_group.h"

#include <fmt/format.h>
#include <linux/ethtool_netlink.h>

#include <array>

namespace netwright::tunable {
namespace {

constexpr std::array fields{
    EthtoolField{"combined", ETHTOOL_A_CHANNELS_COMBINED_COUNT, ETHTOOL_A_CHANNELS_COMBINED_MAX},
    EthtoolField{"rx", ETHTOOL_A_CHANNELS_RX_COUNT, ETHTOOL_A_CHANNELS_RX_MAX},
    EthtoolField{"tx", ETHTOOL_A_CHANNELS_TX_COUNT, ETHTOOL_A_CHANNELS_TX_MAX},
    EthtoolField{"other", ETHTOOL_A_CHANNELS_OTHER_COUNT, ETHTOOL_A_CHANNELS_OTHER_MAX},
};
constexpr EthtoolGroup channels{"queues", ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_MSG_CHANNELS_SET, "-L", fields};

std::uint64_t number_in(const EthtoolNumbers& numbers, std::uint16_t attribute)
{
    const auto found = numbers.find(attribute);
    return found == numbers.end() ? 0 : found->second;
}

// ethnl_set_channels() in net/ethtool/channels.c: at least one queue in each direction must stay.
bool leaves_both_directions(const EthtoolNumbers& numbers)
{
    const std::uint64_t combined = number_in(numbers, ETHTOOL_A_CHANNELS_COMBINED_COUNT);
    return combined != 0 || (number_in(numbers, ETHTOOL_A_CHANNELS_RX_COUNT) != 0 &&
                             number_in(numbers, ETHTOOL_A_CHANNELS_TX_COUNT) != 0);
}

struct Queues : EthtoolGroupKind<channels> {
    static Result<void> check(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        TRY_VOID(check_field(kernel, channels, setting, value));
        EthtoolNumbers numbers = TRY(ask_numbers(kernel, channels, setting.nic));
        numbers[channels.find(setting.name)->attribute] = static_cast<std::uint64_t>(std::get<std::int64_t>(value));
        if (leaves_both_directions(numbers)) return {};
        return fail(Error::Kind::Rejected, fmt::format("{} {}: no queue would be left to receive or to send",
                                                       to_text(setting), to_text(value)));
    }

    // netif_set_real_num_tx_queues() drops XPS maps, net_rx_queue_update_kobjects() removes queues with their RPS
    // masks; drivers spread their RSS table anew.
    static std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const NicSetting& setting)
    {
        std::vector<Tunable> found;
        const auto queues = queue_kind.list(kernel);
        if (!queues) return found;
        for (const Reading& reading : *queues)
            if (interface_of(reading.tunable) == setting.nic) found.push_back(reading.tunable);
        return found;
    }
};

} // namespace

constexpr Kind nic_queues_kind = kind_of<Queues>("nic/queues", "ethtool netlink CHANNELS_GET, CHANNELS_SET");

} // namespace netwright::tunable
