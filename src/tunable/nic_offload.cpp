// SPDX-License-Identifier: GPL-2.0-or-later
// Offload features, by the kernel's names. The value is what is active; what was asked for may differ while another
// feature that it needs is off (netdev_fix_features() in net/core/dev.c, and each driver's ndo_fix_features).
#include "kernel/ethtool_netlink.h"
#include "tunable/ethtool_group.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <algorithm>

namespace netwright::tunable {
namespace {

using Features = std::vector<kernel::EthtoolFeature>;

std::optional<Value> state_of(const kernel::EthtoolFeature& feature)
{
    return std::string(feature.active ? "on" : "off");
}

Result<Features> features_of(kernel::Kernel& kernel, const std::string& nic)
{
    const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
    const auto names = TRY(kernel::ethtool_strings(*kernel.netlink, ETH_SS_FEATURES));
    kernel::Request question = kernel::ethtool_request(family, ETHTOOL_MSG_FEATURES_GET, nic);
    Features features;
    const auto asked = kernel.netlink->ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) {
        features = kernel::parse_ethtool_features(kernel::generic_attributes(message), names);
    });
    if (!asked && asked.error().kind == Error::Kind::Absent) return no_such_interface(nic);
    if (!asked) return std::unexpected(asked.error());
    return features;
}

Result<kernel::EthtoolFeature> feature_of(kernel::Kernel& kernel, const NicSetting& setting)
{
    Features features = TRY(features_of(kernel, setting.nic));
    const auto found = std::ranges::find(features, setting.name, &kernel::EthtoolFeature::name);
    if (found != features.end()) return std::move(*found);
    return fail(Error::Kind::Absent, fmt::format("{}: this kernel has no feature of that name", to_text(setting)));
}

// ETHTOOL_MSG_FEATURES_SET with one bit by its name; what it answers is seen when the value is read back.
kernel::Request change_of(std::uint16_t family, const NicSetting& setting, bool on)
{
    kernel::Request change = kernel::ethtool_request(family, ETHTOOL_MSG_FEATURES_SET, setting.nic);
    kernel::put_ethtool_bit(change, ETHTOOL_A_FEATURES_WANTED, setting.name, on);
    return change;
}

struct Offload : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& setting)
    {
        return state_of(TRY(feature_of(kernel, setting)));
    }

    static Result<void> check(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        const auto feature = TRY(feature_of(kernel, setting));
        TRY_VOID(parse_value(setting, to_text(value)));
        if (!feature.fixed || state_of(feature) == value) return {};
        return fail(Error::Kind::Rejected,
                    fmt::format("{}: it is fixed, and {}: the driver of {} does not let it be changed",
                                to_text(setting), feature.active ? "on" : "off", setting.nic));
    }

    static Result<void> write(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
        kernel::Request change = change_of(family, setting, value == Value{std::string("on")});
        auto done = kernel.netlink->ask(NETLINK_GENERIC, change, [](const nlmsghdr&) {});
        if (!done) return write_failed(setting, value, std::move(done).error());
        return {};
    }

    // Checksums carry segmentation, scatter-gather carries checksums, and drivers tie others together in ways of
    // their own: any feature that can change may.
    static std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const NicSetting& setting)
    {
        std::vector<Tunable> found;
        for (const auto& feature : features_of(kernel, setting.nic).value_or(Features{}))
            if (!feature.fixed) found.emplace_back(NicSetting{setting.nic, setting.group, feature.name});
        return found;
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        const std::uint16_t family = TRY(kernel.netlink->family(ETHTOOL_GENL_NAME));
        const auto names = TRY(kernel::ethtool_strings(*kernel.netlink, ETH_SS_FEATURES));
        kernel::Request question = kernel::ethtool_question(family, ETHTOOL_MSG_FEATURES_GET, 0);
        std::vector<Reading> found;
        const auto take = [&](const nlmsghdr& message) {
            const std::string nic = kernel::ethtool_interface_name(message);
            for (const auto& feature : kernel::parse_ethtool_features(kernel::generic_attributes(message), names))
                if (!feature.fixed) found.push_back({NicSetting{nic, "offload", feature.name}, state_of(feature)});
        };
        TRY_VOID(kernel::ask_every_interface(*kernel.netlink, question, take, [&] { found.clear(); }));
        return found;
    }

    static std::string undo_command(const NicSetting& setting, const std::optional<Value>& from)
    {
        return ethtool_command("-K", setting, setting.name, from);
    }
};

} // namespace

constexpr Kind nic_offload_kind = kind_of<Offload>("nic/offload", "ethtool netlink FEATURES_GET, FEATURES_SET");

} // namespace netwright::tunable
