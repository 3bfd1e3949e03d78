// SPDX-License-Identifier: GPL-2.0-or-later
// One dump a subject for all interfaces; interfaces a broken-off dump did not reach are asked one by one.
#include "host/nic_ethtool.h"

#include "kernel/ethtool_netlink.h"
#include "model/rss_words.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <algorithm>
#include <array>

namespace netwright::host {
namespace {

using kernel::as_u32, kernel::as_u8, kernel::each_attribute;
using Names = std::vector<std::string>;

// Newer than Debian 12's headers (include/uapi/linux/ethtool_netlink.h of Linux 6.2).
constexpr std::uint8_t ethtool_msg_rss_get = 38;
constexpr std::uint16_t rss_context = 2, rss_hfunc = 3, rss_indir = 4, rss_hkey = 5;

void no_link_modes(Nic& nic, const Error& why)
{
    nic.speed_mbit = std::unexpected(why);
    nic.duplex = std::unexpected(why);
}
void no_rings(Nic& nic, const Error& why) { nic.rx_ring = nic.tx_ring = std::unexpected(why); }
void no_channels(Nic& nic, const Error& why) { nic.channels = std::unexpected(why); }
void no_coalescing(Nic& nic, const Error& why) { nic.coalescing = std::unexpected(why); }
void no_features(Nic& nic, const Error& why) { nic.features = std::unexpected(why); }
void no_rss(Nic& nic, const Error& why) { nic.rss = std::unexpected(why); }

struct Subject {
    std::uint8_t command;
    std::string_view missing; // what the driver lacks when a dump passes an interface over
    void (*parse)(Nic&, Attributes, const Names&);
    void (*refuse)(Nic&, const Error&);
};

template <auto parser>
void plain(Nic& nic, Attributes attributes, const Names&)
{
    parser(nic, attributes);
}

constexpr std::array subjects{
    Subject{ETHTOOL_MSG_LINKMODES_GET, "link modes", plain<parse_link_modes>, no_link_modes},
    Subject{ETHTOOL_MSG_RINGS_GET, "ring sizes", plain<parse_rings>, no_rings},
    Subject{ETHTOOL_MSG_CHANNELS_GET, "channels", plain<parse_channels>, no_channels},
    Subject{ETHTOOL_MSG_COALESCE_GET, "coalescing", plain<parse_coalescing>, no_coalescing},
    Subject{ETHTOOL_MSG_FEATURES_GET, "features", parse_features, no_features},
};
constexpr Subject rss_subject{ethtool_msg_rss_get, "receive-side scaling", plain<parse_rss>, no_rss};

// One subject being asked for all interfaces.
class Round {
public:
    Round(kernel::Netlink& netlink, std::vector<Nic>& nics, const Names& names, const Subject& subject)
        : netlink_(netlink), nics_(nics), names_(names), subject_(subject), answered_(nics.size())
    {
    }

    Result<void> dump()
    {
        kernel::Request question =
            kernel::ethtool_question(TRY(netlink_.family(ETHTOOL_GENL_NAME)), subject_.command, 0);
        return netlink_.ask_whole(NETLINK_GENERIC, question, taker(), [] {}); // a second answer replaces the first
    }

    void ask_the_rest(std::uint16_t family)
    {
        for (std::size_t i = 0; i < nics_.size(); ++i) {
            if (answered_[i]) continue;
            kernel::Request question = kernel::ethtool_question(family, subject_.command, nics_[i].index);
            const auto asked = netlink_.ask(NETLINK_GENERIC, question, taker());
            if (!asked) refuse(i, asked.error());
        }
    }

    // ethnl_default_dumpit() passes over interfaces whose driver answers EOPNOTSUPP.
    void refuse_the_rest()
    {
        for (std::size_t i = 0; i < nics_.size(); ++i)
            if (!answered_[i])
                refuse(i, Error{Error::Kind::Unsupported,
                                fmt::format("{}: its driver does not tell {}", nics_[i].name, subject_.missing)});
    }

    void refuse_all(const Error& why)
    {
        for (std::size_t i = 0; i < nics_.size(); ++i)
            refuse(i, why);
    }

private:
    kernel::EachAnswer taker()
    {
        return [this](const nlmsghdr& message) { take(message); };
    }

    void take(const nlmsghdr& message)
    {
        const auto found = std::ranges::find(nics_, kernel::ethtool_interface(message), &Nic::index);
        if (found == nics_.end()) return;
        answered_[static_cast<std::size_t>(found - nics_.begin())] = true;
        subject_.parse(*found, kernel::generic_attributes(message), names_);
    }

    void refuse(std::size_t i, const Error& why)
    {
        answered_[i] = true;
        subject_.refuse(nics_[i], why);
    }

    kernel::Netlink& netlink_;
    std::vector<Nic>& nics_;
    const Names& names_;
    const Subject& subject_;
    std::vector<bool> answered_;
};

void read_subject(kernel::Netlink& netlink, std::vector<Nic>& nics, const Names& names, const Subject& subject)
{
    Round round(netlink, nics, names, subject);
    const auto family = netlink.family(ETHTOOL_GENL_NAME);
    if (!family) return round.refuse_all(family.error());
    if (!round.dump()) round.ask_the_rest(*family);
    round.refuse_the_rest();
}

void read_rss(kernel::Netlink& netlink, std::vector<Nic>& nics)
{
    const Names none;
    Round round(netlink, nics, none, rss_subject);
    if (round.dump()) round.refuse_the_rest();
}

} // namespace

void read_ethtool(kernel::Netlink& netlink, std::vector<Nic>& nics)
{
    const auto strings = kernel::ethtool_strings(netlink, ETH_SS_FEATURES);
    const Names names = strings.value_or(Names{});
    for (const Subject& subject : subjects)
        read_subject(netlink, nics, names, subject);
    for (Nic& nic : nics)
        if (!strings) no_features(nic, strings.error()); // bits without names
    read_rss(netlink, nics);
}

void parse_link_modes(Nic& nic, Attributes attributes)
{
    no_link_modes(nic, Error{Error::Kind::Absent, fmt::format("{}: its driver does not know the speed", nic.name)});
    each_attribute(attributes, [&](std::uint16_t type, Attributes payload) {
        if (type == ETHTOOL_A_LINKMODES_SPEED) {
            const std::uint32_t speed = as_u32(payload);
            if (speed != 0 && speed != static_cast<std::uint32_t>(SPEED_UNKNOWN)) nic.speed_mbit = speed;
        } else if (type == ETHTOOL_A_LINKMODES_DUPLEX) {
            const std::uint8_t duplex = as_u8(payload);
            nic.duplex = duplex == DUPLEX_FULL ? "full" : duplex == DUPLEX_HALF ? "half" : "unknown";
        }
    });
}

void parse_rings(Nic& nic, Attributes attributes)
{
    // The kernel leaves out a side whose maximum is 0 (net/ethtool/rings.c).
    no_rings(nic, Error{Error::Kind::Unsupported, fmt::format("{}: its driver has no such ring", nic.name)});
    Ring rx, tx;
    each_attribute(attributes, [&](std::uint16_t type, Attributes payload) {
        switch (type) {
        case ETHTOOL_A_RINGS_RX:
            rx.length = as_u32(payload);
            break;
        case ETHTOOL_A_RINGS_RX_MAX:
            rx.longest = as_u32(payload);
            break;
        case ETHTOOL_A_RINGS_TX:
            tx.length = as_u32(payload);
            break;
        case ETHTOOL_A_RINGS_TX_MAX:
            tx.longest = as_u32(payload);
            break;
        default:
            break;
        }
    });
    if (rx.longest != 0) nic.rx_ring = rx;
    if (tx.longest != 0) nic.tx_ring = tx;
}

void parse_channels(Nic& nic, Attributes attributes)
{
    Channels channels;
    each_attribute(attributes, [&](std::uint16_t type, Attributes payload) {
        switch (type) {
        case ETHTOOL_A_CHANNELS_RX_MAX:
            channels.rx_max = as_u32(payload);
            break;
        case ETHTOOL_A_CHANNELS_TX_MAX:
            channels.tx_max = as_u32(payload);
            break;
        case ETHTOOL_A_CHANNELS_OTHER_MAX:
            channels.other_max = as_u32(payload);
            break;
        case ETHTOOL_A_CHANNELS_COMBINED_MAX:
            channels.combined_max = as_u32(payload);
            break;
        case ETHTOOL_A_CHANNELS_RX_COUNT:
            channels.rx = as_u32(payload);
            break;
        case ETHTOOL_A_CHANNELS_TX_COUNT:
            channels.tx = as_u32(payload);
            break;
        case ETHTOOL_A_CHANNELS_OTHER_COUNT:
            channels.other = as_u32(payload);
            break;
        case ETHTOOL_A_CHANNELS_COMBINED_COUNT:
            channels.combined = as_u32(payload);
            break;
        default:
            break;
        }
    });
    nic.channels = channels;
}

void parse_coalescing(Nic& nic, Attributes attributes)
{
    Coalescing c;
    each_attribute(attributes, [&](std::uint16_t type, Attributes payload) {
        switch (type) {
        case ETHTOOL_A_COALESCE_RX_USECS:
            c.rx_usecs = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_RX_MAX_FRAMES:
            c.rx_frames = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_RX_USECS_IRQ:
            c.rx_usecs_irq = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ:
            c.rx_frames_irq = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_TX_USECS:
            c.tx_usecs = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_TX_MAX_FRAMES:
            c.tx_frames = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_TX_USECS_IRQ:
            c.tx_usecs_irq = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ:
            c.tx_frames_irq = as_u32(payload);
            break;
        case ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX:
            c.adaptive_rx = as_u8(payload) != 0;
            break;
        case ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX:
            c.adaptive_tx = as_u8(payload) != 0;
            break;
        default:
            break;
        }
    });
    nic.coalescing = c;
}

void parse_features(Nic& nic, Attributes attributes, const std::vector<std::string>& names)
{
    std::vector<Feature> features;
    for (auto& [name, active, wanted, fixed] : kernel::parse_ethtool_features(attributes, names))
        features.push_back({std::move(name), active, wanted, fixed});
    nic.features = std::move(features);
}

void parse_rss(Nic& nic, Attributes attributes)
{
    Rss rss;
    std::uint32_t context = 0;
    each_attribute(attributes, [&](std::uint16_t type, Attributes payload) {
        if (type == rss_context) context = as_u32(payload);
        if (type == rss_hfunc) rss.function = rss_function_name(as_u32(payload));
        if (type == rss_hkey) rss.key = rss_key_text(payload);
        if (type == rss_indir) rss.indirection = kernel::as_u32_list(payload);
    });
    if (context == 0) nic.rss = std::move(rss);
}

} // namespace netwright::host
