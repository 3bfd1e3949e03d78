// SPDX-License-Identifier: GPL-2.0-or-later
// Switches that only one driver knows, by its own names for them (ethtool --show-priv-flags).
#include "kernel/ethtool_netlink.h"
#include "tunable/ethtool_group.h"

#include <fmt/format.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <algorithm>

namespace netwright::tunable {
namespace {

using Bits = std::vector<kernel::EthtoolNamedBit>;

Bits parse_flags(const nlmsghdr& message)
{
    Bits bits;
    kernel::each_attribute(kernel::generic_attributes(message),
                           [&](std::uint16_t type, std::span<const std::byte> set) {
                               if (type == ETHTOOL_A_PRIVFLAGS_FLAGS) bits = kernel::parse_ethtool_named_bits(set);
                           });
    return bits;
}

std::optional<Value> state_of(const kernel::EthtoolNamedBit& bit) { return std::string(bit.on ? "on" : "off"); }

Result<Bits> flags_of(kernel::Kernel& kernel, const std::string& nic)
{
    const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
    kernel::Request question =
        kernel::ethtool_request(family, ETHTOOL_MSG_PRIVFLAGS_GET, nic, kernel::EthtoolBits::Named);
    Bits bits;
    const auto asked =
        kernel.netlink->ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) { bits = parse_flags(message); });
    if (!asked && asked.error().kind == Error::Kind::Absent) return no_such_interface(nic);
    if (!asked && asked.error().kind != Error::Kind::Unsupported) return std::unexpected(asked.error());
    return bits;
}

struct PrivateFlag : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& setting)
    {
        const Bits bits = TRY(flags_of(kernel, setting.nic));
        const auto found = std::ranges::find(bits, setting.name, &kernel::EthtoolNamedBit::name);
        if (found != bits.end()) return state_of(*found);
        std::string known;
        for (const auto& bit : bits)
            known += (known.empty() ? "" : ", ") + bit.name;
        return fail(Error::Kind::Absent, fmt::format("{}: the driver of {} has {}", to_text(setting), setting.nic,
                                                     known.empty() ? "no private flags" : "only " + known));
    }

    static Result<void> check(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        TRY_VOID(read(kernel, setting));
        TRY_VOID(parse_value(setting, to_text(value)));
        return {};
    }

    static Result<void> write(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
        kernel::Request change = kernel::ethtool_request(family, ETHTOOL_MSG_PRIVFLAGS_SET, setting.nic);
        kernel::put_ethtool_bit(change, ETHTOOL_A_PRIVFLAGS_FLAGS, setting.name, value == Value{std::string("on")});
        auto done = kernel.netlink->ask(NETLINK_GENERIC, change, [](const nlmsghdr&) {});
        if (!done) return write_failed(setting, value, std::move(done).error());
        return {};
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
        kernel::Request question =
            kernel::ethtool_question(family, ETHTOOL_MSG_PRIVFLAGS_GET, 0, kernel::EthtoolBits::Named);
        std::vector<Reading> found;
        const auto take = [&](const nlmsghdr& message) {
            for (const auto& bit : parse_flags(message)) {
                const NicSetting setting{kernel::ethtool_interface_name(message), "private-flag", bit.name};
                if (parse_tunable(to_text(setting))) found.push_back({setting, state_of(bit)}); // no blanks in its name
            }
        };
        TRY_VOID(kernel::ask_every_interface(*kernel.netlink, question, take, [&] { found.clear(); }));
        return found;
    }

    static std::string undo_command(const NicSetting& setting, const std::optional<Value>& from)
    {
        return ethtool_command("--set-priv-flags", setting, setting.name, from);
    }
};

} // namespace

constexpr Kind nic_private_flag_kind =
    kind_of<PrivateFlag>("nic/private-flag", "ethtool netlink PRIVFLAGS_GET, PRIVFLAGS_SET");

} // namespace netwright::tunable
