// SPDX-License-Identifier: GPL-2.0-or-later
// Sorting confirmed values by who makes them last.
#include "apply/lasting.h"

#include "apply/restore.h"

#include <algorithm>

namespace netwright::apply {

Persistence persistence_of(const std::filesystem::path& etc_dir, const Tunable& tunable)
{
    const Persistence natural = natural_persistence(tunable);
    if (natural != Persistence::LinkFile) return natural;
    const bool udev = udev_note((etc_dir / "..").lexically_normal(), std::string(interface_of(tunable))).has_value();
    return udev ? Persistence::LinkFile : Persistence::BootUnit;
}

std::string place_of(const std::filesystem::path& etc_dir, const Tunable& tunable)
{
    switch (persistence_of(etc_dir, tunable)) {
    case Persistence::SysctlFile:
        return (etc_dir / "sysctl.d" / sysctl_file_name).string();
    case Persistence::LinkFile:
        return find_link_file(etc_dir, std::string(interface_of(tunable))).value_or("").string();
    case Persistence::BootUnit:
        return std::string(restore_unit_name);
    case Persistence::DropIn:
        return "a drop-in of the service";
    case Persistence::None:
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
        const Persistence persistence = persistence_of(etc_dir, tunable);
        if (persistence == Persistence::LinkFile && value)
            lasting.links[std::string(interface_of(tunable))][tunable] = *value;
        if (persistence == Persistence::BootUnit) lasting.at_boot[tunable] = value;
    }
    return lasting;
}

Result<void> make_last(const std::filesystem::path& etc_dir, const std::filesystem::path& state_dir,
                       const Lasting& lasting)
{
    TRY_VOID(persist(etc_dir, lasting.sysctls));
    TRY_VOID(write_link_files(etc_dir, lasting.links));
    std::vector<Tunable> at_boot;
    for (const auto& [tunable, value] : lasting.at_boot)
        at_boot.push_back(tunable);
    return write_restore_unit(etc_dir, state_dir, at_boot);
}

} // namespace netwright::apply
