// SPDX-License-Identifier: GPL-2.0-or-later
// The speed of a link: "auto" (negotiated), or fixed as "10000/full".
#include "base/text.h"
#include "kernel/ethtool_netlink.h"
#include "tunable/ethtool_group.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

namespace netwright::tunable {
namespace {

struct Modes {
    EthtoolNumbers numbers;
    std::set<std::string> supported; // "1000/full", from names such as "1000baseT/Full"; empty: the device does not say
};

// Names that are no speed ("Autoneg", "TP", "Pause") have no "base" in them.
std::string speed_of_mode(std::string_view name)
{
    const std::size_t base = name.find("base"), slash = name.find('/');
    if (base == std::string_view::npos || slash == std::string_view::npos) return {};
    if (!parse_unsigned(name.substr(0, base))) return {};
    return fmt::format("{}/{}", name.substr(0, base), name.substr(slash + 1) == "Half" ? "half" : "full");
}

Modes parse_modes(const nlmsghdr& message)
{
    Modes modes{parse_ethtool_numbers(kernel::generic_attributes(message)), {}};
    kernel::each_attribute(
        kernel::generic_attributes(message), [&](std::uint16_t type, std::span<const std::byte> set) {
            if (type != ETHTOOL_A_LINKMODES_OURS) return;
            for (const auto& mode : kernel::parse_ethtool_named_bits(set)) // every bit of the mask, advertised or not
                if (std::string speed = speed_of_mode(mode.name); !speed.empty())
                    modes.supported.insert(std::move(speed));
        });
    return modes;
}

std::optional<Value> value_of(const Modes& modes)
{
    const auto number = [&](std::uint16_t type, std::uint64_t otherwise) {
        const auto found = modes.numbers.find(type);
        return found == modes.numbers.end() ? otherwise : found->second;
    };
    if (number(ETHTOOL_A_LINKMODES_AUTONEG, AUTONEG_DISABLE) == AUTONEG_ENABLE) return std::string("auto");
    const std::uint64_t speed = number(ETHTOOL_A_LINKMODES_SPEED, 0), duplex = number(ETHTOOL_A_LINKMODES_DUPLEX, 0xff);
    if (speed == 0 || speed == static_cast<std::uint32_t>(SPEED_UNKNOWN) || duplex > DUPLEX_FULL) return std::nullopt;
    return fmt::format("{}/{}", speed, duplex == DUPLEX_FULL ? "full" : "half");
}

Result<Modes> modes_of(kernel::Kernel& kernel, const NicSetting& setting)
{
    const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
    kernel::Request question =
        kernel::ethtool_request(family, ETHTOOL_MSG_LINKMODES_GET, setting.nic, kernel::EthtoolBits::Named);
    Modes modes;
    const auto asked =
        kernel.netlink->ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) { modes = parse_modes(message); });
    if (asked) return modes;
    if (asked.error().kind == Error::Kind::Absent) return no_such_interface(setting.nic);
    if (asked.error().kind == Error::Kind::Unsupported)
        return fail(Error::Kind::Absent, fmt::format("{}: {} has no link speed to set", to_text(setting), setting.nic));
    return std::unexpected(asked.error());
}

// "" is what a device without a known speed shows, and how it gets back there.
void put_speed(kernel::Request& change, std::string_view text)
{
    const std::size_t slash = text.find('/');
    const bool fixed = slash != std::string_view::npos;
    const std::uint8_t duplex = fixed ? (text.substr(slash + 1) == "half" ? DUPLEX_HALF : DUPLEX_FULL) : DUPLEX_UNKNOWN;
    const auto speed = fixed ? static_cast<std::uint32_t>(parse_unsigned(text.substr(0, slash)).value_or(0))
                             : static_cast<std::uint32_t>(SPEED_UNKNOWN);
    change.put_u8(ETHTOOL_A_LINKMODES_AUTONEG, AUTONEG_DISABLE).put_u32(ETHTOOL_A_LINKMODES_SPEED, speed);
    change.put_u8(ETHTOOL_A_LINKMODES_DUPLEX, duplex);
}

// Drivers take the link down to change its speed, and tell none until the other end is heard again: seconds.
void wait_for_link(kernel::Kernel& kernel, const NicSetting& setting)
{
    for (int tenths = 0; tenths < 100; ++tenths) {
        const auto modes = modes_of(kernel, setting);
        if (!modes || value_of(*modes)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

struct Speed : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& setting)
    {
        return value_of(TRY(modes_of(kernel, setting)));
    }

    static Result<void> check(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        const Modes modes = TRY(modes_of(kernel, setting));
        const std::string text = to_text(TRY(parse_value(setting, to_text(value))));
        if (text == "auto" || modes.supported.empty() || modes.supported.contains(text)) return {};
        std::string known;
        for (const std::string& speed : modes.supported)
            known += (known.empty() ? "" : ", ") + speed;
        return fail(Error::Kind::Rejected,
                    fmt::format("{} {}: this device takes auto, {}", to_text(setting), text, known));
    }

    static Result<void> write(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
        kernel::Request change = kernel::ethtool_request(family, ETHTOOL_MSG_LINKMODES_SET, setting.nic);
        const std::string text = to_text(value);
        if (text == "auto")
            change.put_u8(ETHTOOL_A_LINKMODES_AUTONEG, AUTONEG_ENABLE);
        else
            put_speed(change, text);
        auto done = kernel.netlink->ask(NETLINK_GENERIC, change, [](const nlmsghdr&) {});
        if (!done) return write_failed(setting, value, std::move(done).error());
        if (!text.empty()) wait_for_link(kernel, setting);
        return {};
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
        kernel::Request question = kernel::ethtool_question(family, ETHTOOL_MSG_LINKMODES_GET, 0);
        std::vector<Reading> found;
        const auto take = [&](const nlmsghdr& message) {
            const NicSetting setting{kernel::ethtool_interface_name(message), "speed", ""};
            found.push_back({setting, value_of(Modes{parse_ethtool_numbers(kernel::generic_attributes(message)), {}})});
        };
        TRY_VOID(kernel::ask_every_interface(*kernel.netlink, question, take, [&] { found.clear(); }));
        return found;
    }

    static std::string undo_command(const NicSetting& setting, const std::optional<Value>& from)
    {
        if (!from) return "# " + to_text(setting) + ": its speed was not known";
        const std::string text = to_text(*from);
        const std::size_t slash = text.find('/');
        if (slash == std::string::npos) return fmt::format("ethtool -s {} autoneg on", shell_word(setting.nic));
        return fmt::format("ethtool -s {} autoneg off speed {} duplex {}", shell_word(setting.nic),
                           shell_word(text.substr(0, slash)), shell_word(text.substr(slash + 1)));
    }
};

} // namespace

constexpr Kind nic_speed_kind = kind_of<Speed>("nic/speed", "ethtool netlink LINKMODES_GET, LINKMODES_SET");

} // namespace netwright::tunable
