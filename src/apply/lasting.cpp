// SPDX-License-Identifier: GPL-2.0-or-later
// Sorting confirmed values by who makes them last.
#include "apply/lasting.h"

#include "apply/restore.h"
#include "model/link_file_keys.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::apply {

namespace {

std::filesystem::path root_of(const std::filesystem::path& etc_dir) { return (etc_dir / "..").lexically_normal(); }

constexpr unsigned newest_known = 252; // of the table of .link files' keys

Home home_after_boot(const std::filesystem::path& etc_dir, const Tunable& tunable)
{
    return is_lost_by_reconnecting(root_of(etc_dir), tunable) ? Home::Dispatcher : Home::BootUnit;
}

Home home_of_link(const std::filesystem::path& etc_dir, const Tunable& tunable)
{
    const std::filesystem::path root = root_of(etc_dir);
    const std::string nic(interface_of(tunable));
    const NetworkOwner owner = network_owner(root, nic);
    if (sets_after_udev(owner, tunable) && takes_drop_in(owner)) return Home::NetworkFile;
    const bool by_udev =
        udev_note(root, nic) && has_link_file_key(tunable, systemd_version(root).value_or(newest_known));
    return by_udev && !sets_after_udev(owner, tunable) ? Home::LinkFile : home_after_boot(etc_dir, tunable);
}

} // namespace

Home home_of(const std::filesystem::path& etc_dir, const Tunable& tunable)
{
    switch (natural_persistence(tunable)) {
    case Persistence::SysctlFile:
        return Home::SysctlFile;
    case Persistence::LinkFile:
        return home_of_link(etc_dir, tunable);
    case Persistence::BootUnit:
        return home_after_boot(etc_dir, tunable);
    case Persistence::DropIn:
        return Home::DropIn;
    case Persistence::None:
        break;
    }
    return Home::None;
}

std::string place_of(const std::filesystem::path& etc_dir, const Tunable& tunable)
{
    const std::string nic(interface_of(tunable));
    switch (home_of(etc_dir, tunable)) {
    case Home::SysctlFile:
        return (etc_dir / "sysctl.d" / sysctl_file_name).string();
    case Home::LinkFile:
        return find_link_file(etc_dir, nic).value_or("").string();
    case Home::NetworkFile:
        return find_network_file(etc_dir, nic).value_or("").string();
    case Home::BootUnit:
        return std::string(restore_unit_name);
    case Home::Dispatcher:
        return fmt::format("{} and {}", restore_unit_name, dispatcher_script_path(etc_dir).native());
    case Home::DropIn:
        return "a drop-in of the service";
    case Home::None:
        break;
    }
    return {};
}

Lasting lasting_of(std::span<const Record> confirmed, const std::filesystem::path& etc_dir)
{
    Lasting lasting;
    lasting.sysctls = settings_of(confirmed, etc_dir.string());
    std::map<Tunable, std::optional<Value>> values;
    for (const Record& record : confirmed)
        for (const Step& step : record.steps)
            if (record.etc_dir == etc_dir && !step.follower && step.lasts) values[step.tunable] = step.to;
    for (const auto& [tunable, value] : values) {
        const Home home = home_of(etc_dir, tunable);
        const std::string nic(interface_of(tunable));
        if (home == Home::LinkFile && value) lasting.links[nic][tunable] = *value;
        if (home == Home::NetworkFile && value) lasting.networks[nic] = *value;
        if (home == Home::BootUnit || home == Home::Dispatcher) lasting.at_boot[tunable] = value;
        if (home == Home::Dispatcher) lasting.after_reconnecting.push_back(tunable);
    }
    return lasting;
}

Result<void> make_last(const std::filesystem::path& etc_dir, const std::filesystem::path& state_dir,
                       const Lasting& lasting)
{
    TRY_VOID(persist(etc_dir, lasting.sysctls));
    TRY_VOID(write_link_files(etc_dir, lasting.links));
    TRY_VOID(write_network_files(etc_dir, lasting.networks));
    std::vector<Tunable> at_boot;
    for (const auto& [tunable, value] : lasting.at_boot)
        at_boot.push_back(tunable);
    TRY_VOID(write_dispatcher_script(etc_dir, state_dir, lasting.after_reconnecting));
    return write_restore_unit(etc_dir, state_dir, at_boot);
}

} // namespace netwright::apply
