// SPDX-License-Identifier: GPL-2.0-or-later
// Structures of SIOCETHTOOL that are nothing but 32-bit numbers, and the netlink attributes that say the same.
#include "kernel/ethtool_ioctl_messages.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace netwright::kernel {
namespace {

struct Row {
    enum class Form { Number, Switch, Limit }; // in netlink 32 bits, 8 bits, or 32 bits that nobody sets
    std::uint16_t attribute;
    std::size_t at; // offset in the structure
    Form form = Form::Number;
    std::size_t limited_by = 0; // offset of its limit: where that is 0 netlink leaves both out (net/ethtool/rings.c)
};

struct Group {
    std::uint8_t get, set;                  // ETHTOOL_MSG_*
    std::uint32_t get_command, set_command; // ETHTOOL_G…, ETHTOOL_S…
    std::size_t size;                       // of the structure
    std::span<const Row> rows;
};

constexpr auto on_off = Row::Form::Switch, limit = Row::Form::Limit, number = Row::Form::Number;

constexpr std::array ring_rows{
    Row{ETHTOOL_A_RINGS_RX_MAX, offsetof(ethtool_ringparam, rx_max_pending), limit,
        offsetof(ethtool_ringparam, rx_max_pending)},
    Row{ETHTOOL_A_RINGS_RX, offsetof(ethtool_ringparam, rx_pending), number,
        offsetof(ethtool_ringparam, rx_max_pending)},
    Row{ETHTOOL_A_RINGS_RX_MINI_MAX, offsetof(ethtool_ringparam, rx_mini_max_pending), limit,
        offsetof(ethtool_ringparam, rx_mini_max_pending)},
    Row{ETHTOOL_A_RINGS_RX_MINI, offsetof(ethtool_ringparam, rx_mini_pending), number,
        offsetof(ethtool_ringparam, rx_mini_max_pending)},
    Row{ETHTOOL_A_RINGS_RX_JUMBO_MAX, offsetof(ethtool_ringparam, rx_jumbo_max_pending), limit,
        offsetof(ethtool_ringparam, rx_jumbo_max_pending)},
    Row{ETHTOOL_A_RINGS_RX_JUMBO, offsetof(ethtool_ringparam, rx_jumbo_pending), number,
        offsetof(ethtool_ringparam, rx_jumbo_max_pending)},
    Row{ETHTOOL_A_RINGS_TX_MAX, offsetof(ethtool_ringparam, tx_max_pending), limit,
        offsetof(ethtool_ringparam, tx_max_pending)},
    Row{ETHTOOL_A_RINGS_TX, offsetof(ethtool_ringparam, tx_pending), number,
        offsetof(ethtool_ringparam, tx_max_pending)},
};

constexpr std::array channel_rows{
    Row{ETHTOOL_A_CHANNELS_RX_MAX, offsetof(ethtool_channels, max_rx), limit, offsetof(ethtool_channels, max_rx)},
    Row{ETHTOOL_A_CHANNELS_RX_COUNT, offsetof(ethtool_channels, rx_count), number, offsetof(ethtool_channels, max_rx)},
    Row{ETHTOOL_A_CHANNELS_TX_MAX, offsetof(ethtool_channels, max_tx), limit, offsetof(ethtool_channels, max_tx)},
    Row{ETHTOOL_A_CHANNELS_TX_COUNT, offsetof(ethtool_channels, tx_count), number, offsetof(ethtool_channels, max_tx)},
    Row{ETHTOOL_A_CHANNELS_OTHER_MAX, offsetof(ethtool_channels, max_other), limit,
        offsetof(ethtool_channels, max_other)},
    Row{ETHTOOL_A_CHANNELS_OTHER_COUNT, offsetof(ethtool_channels, other_count), number,
        offsetof(ethtool_channels, max_other)},
    Row{ETHTOOL_A_CHANNELS_COMBINED_MAX, offsetof(ethtool_channels, max_combined), limit,
        offsetof(ethtool_channels, max_combined)},
    Row{ETHTOOL_A_CHANNELS_COMBINED_COUNT, offsetof(ethtool_channels, combined_count), number,
        offsetof(ethtool_channels, max_combined)},
};

// Which of these the driver knows netlink tells from 5.7 on, by leaving the others out where they are 0; the ioctl
// shows 0 for both, and the kernel refuses to set what the driver does not know.
constexpr std::array coalesce_rows{
    Row{ETHTOOL_A_COALESCE_RX_USECS, offsetof(ethtool_coalesce, rx_coalesce_usecs)},
    Row{ETHTOOL_A_COALESCE_RX_MAX_FRAMES, offsetof(ethtool_coalesce, rx_max_coalesced_frames)},
    Row{ETHTOOL_A_COALESCE_RX_USECS_IRQ, offsetof(ethtool_coalesce, rx_coalesce_usecs_irq)},
    Row{ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ, offsetof(ethtool_coalesce, rx_max_coalesced_frames_irq)},
    Row{ETHTOOL_A_COALESCE_TX_USECS, offsetof(ethtool_coalesce, tx_coalesce_usecs)},
    Row{ETHTOOL_A_COALESCE_TX_MAX_FRAMES, offsetof(ethtool_coalesce, tx_max_coalesced_frames)},
    Row{ETHTOOL_A_COALESCE_TX_USECS_IRQ, offsetof(ethtool_coalesce, tx_coalesce_usecs_irq)},
    Row{ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ, offsetof(ethtool_coalesce, tx_max_coalesced_frames_irq)},
    Row{ETHTOOL_A_COALESCE_STATS_BLOCK_USECS, offsetof(ethtool_coalesce, stats_block_coalesce_usecs)},
    Row{ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, offsetof(ethtool_coalesce, use_adaptive_rx_coalesce), on_off},
    Row{ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX, offsetof(ethtool_coalesce, use_adaptive_tx_coalesce), on_off},
    Row{ETHTOOL_A_COALESCE_PKT_RATE_LOW, offsetof(ethtool_coalesce, pkt_rate_low)},
    Row{ETHTOOL_A_COALESCE_RX_USECS_LOW, offsetof(ethtool_coalesce, rx_coalesce_usecs_low)},
    Row{ETHTOOL_A_COALESCE_RX_MAX_FRAMES_LOW, offsetof(ethtool_coalesce, rx_max_coalesced_frames_low)},
    Row{ETHTOOL_A_COALESCE_TX_USECS_LOW, offsetof(ethtool_coalesce, tx_coalesce_usecs_low)},
    Row{ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW, offsetof(ethtool_coalesce, tx_max_coalesced_frames_low)},
    Row{ETHTOOL_A_COALESCE_PKT_RATE_HIGH, offsetof(ethtool_coalesce, pkt_rate_high)},
    Row{ETHTOOL_A_COALESCE_RX_USECS_HIGH, offsetof(ethtool_coalesce, rx_coalesce_usecs_high)},
    Row{ETHTOOL_A_COALESCE_RX_MAX_FRAMES_HIGH, offsetof(ethtool_coalesce, rx_max_coalesced_frames_high)},
    Row{ETHTOOL_A_COALESCE_TX_USECS_HIGH, offsetof(ethtool_coalesce, tx_coalesce_usecs_high)},
    Row{ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH, offsetof(ethtool_coalesce, tx_max_coalesced_frames_high)},
    Row{ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL, offsetof(ethtool_coalesce, rate_sample_interval)},
};

constexpr std::array pause_rows{
    Row{ETHTOOL_A_PAUSE_AUTONEG, offsetof(ethtool_pauseparam, autoneg), on_off},
    Row{ETHTOOL_A_PAUSE_RX, offsetof(ethtool_pauseparam, rx_pause), on_off},
    Row{ETHTOOL_A_PAUSE_TX, offsetof(ethtool_pauseparam, tx_pause), on_off},
};

constexpr std::array eee_rows{
    Row{ETHTOOL_A_EEE_ENABLED, offsetof(ethtool_eee, eee_enabled), on_off},
    Row{ETHTOOL_A_EEE_TX_LPI_ENABLED, offsetof(ethtool_eee, tx_lpi_enabled), on_off},
    Row{ETHTOOL_A_EEE_TX_LPI_TIMER, offsetof(ethtool_eee, tx_lpi_timer)},
};

constexpr std::array groups{
    Group{ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_RINGS_SET, ETHTOOL_GRINGPARAM, ETHTOOL_SRINGPARAM,
          sizeof(ethtool_ringparam), ring_rows},
    Group{ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_MSG_CHANNELS_SET, ETHTOOL_GCHANNELS, ETHTOOL_SCHANNELS,
          sizeof(ethtool_channels), channel_rows},
    Group{ETHTOOL_MSG_COALESCE_GET, ETHTOOL_MSG_COALESCE_SET, ETHTOOL_GCOALESCE, ETHTOOL_SCOALESCE,
          sizeof(ethtool_coalesce), coalesce_rows},
    Group{ETHTOOL_MSG_PAUSE_GET, ETHTOOL_MSG_PAUSE_SET, ETHTOOL_GPAUSEPARAM, ETHTOOL_SPAUSEPARAM,
          sizeof(ethtool_pauseparam), pause_rows},
    Group{ETHTOOL_MSG_EEE_GET, ETHTOOL_MSG_EEE_SET, ETHTOOL_GEEE, ETHTOOL_SEEE, sizeof(ethtool_eee), eee_rows},
};

// One of the structures, as its numbers.
class Numbers {
public:
    explicit Numbers(std::size_t size) : words_(size / sizeof(std::uint32_t)) {}
    std::uint32_t& operator[](std::size_t offset) { return words_[offset / sizeof(std::uint32_t)]; }
    void* data() { return words_.data(); }

private:
    std::vector<std::uint32_t> words_;
};

const Group& group_of(std::uint8_t command)
{
    return *std::ranges::find_if(groups, [=](const Group& one) { return one.get == command || one.set == command; });
}

Result<Numbers> read_numbers(const EthtoolSocket& socket, const Group& group, std::string_view nic)
{
    Numbers numbers(group.size);
    numbers[0] = group.get_command;
    TRY_VOID(socket.ask(nic, numbers.data()));
    return numbers;
}

Result<void> answer_numbers(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer)
{
    const Group& group = group_of(question.command);
    Numbers numbers = TRY(read_numbers(socket, group, question.nic));
    for (const Row& row : group.rows) {
        if (row.limited_by != 0 && numbers[row.limited_by] == 0) continue;
        if (row.form == on_off)
            answer.put_u8(row.attribute, numbers[row.at] != 0 ? 1 : 0);
        else
            answer.put_u32(row.attribute, numbers[row.at]);
    }
    return {};
}

Result<void> take(const Group& group, Numbers& numbers, std::uint16_t attribute, std::span<const std::byte> payload)
{
    const auto row = std::ranges::find(group.rows, attribute, &Row::attribute);
    if (row == group.rows.end() || row->form == limit)
        return fail(Error::Kind::Unsupported,
                    fmt::format("this kernel has no ethtool netlink, and its ioctl cannot set attribute {} of message "
                                "{}",
                                attribute, group.set),
                    EOPNOTSUPP);
    numbers[row->at] = row->form == on_off ? as_u8(payload) : as_u32(payload);
    return {};
}

Result<void> set_numbers(const EthtoolSocket& socket, const EthtoolQuestion& question, Request&)
{
    const Group& group = group_of(question.command);
    Numbers numbers = TRY(read_numbers(socket, group, question.nic));
    Result<void> taken;
    each_attribute(question.attributes, [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type != ethtool_header_attribute && taken) taken = take(group, numbers, type, payload);
    });
    TRY_VOID(taken);
    numbers[0] = group.set_command;
    return socket.ask(question.nic, numbers.data());
}

} // namespace

EthtoolHandler ethtool_numbers_handler(std::uint8_t command)
{
    if (std::ranges::find(groups, command, &Group::get) != groups.end()) return answer_numbers;
    if (std::ranges::find(groups, command, &Group::set) != groups.end()) return set_numbers;
    return nullptr;
}

} // namespace netwright::kernel
