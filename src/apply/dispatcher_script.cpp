// SPDX-License-Identifier: GPL-2.0-or-later
// The script's text, and whether there is anything for it to do.
#include "apply/dispatcher_script.h"

#include "apply/durable_file.h"
#include "apply/network_file.h"
#include "apply/systemd_unit.h"

#include <fmt/format.h>

namespace netwright::apply {
namespace {

namespace fs = std::filesystem;

bool is_of_routing(const Tunable& tunable)
{
    return std::holds_alternative<RouteSetting>(tunable) || std::holds_alternative<RuleSlot>(tunable) ||
           std::holds_alternative<TableRoute>(tunable);
}

bool manages(const fs::path& root, const std::string& nic)
{
    return network_owner(root, nic).who == NetworkOwner::Who::NetworkManager;
}

bool manages_any(const fs::path& root)
{
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(root / "sys/class/net", ignored))
        if (manages(root, entry.path().filename().string())) return true;
    return false;
}

} // namespace

fs::path dispatcher_script_path(const fs::path& etc_dir)
{
    return etc_dir / "NetworkManager" / "dispatcher.d" / "50-netwright";
}

bool is_lost_by_reconnecting(const fs::path& root, const Tunable& tunable)
{
    const std::string nic(interface_of(tunable));
    return nic.empty() ? is_of_routing(tunable) && manages_any(root) : manages(root, nic);
}

// An address or an MTU that a lease brings is set again with the lease, and `nmcli device reapply` sets all of them.
std::string dispatcher_script(const fs::path& binary, const fs::path& state_dir, std::span<const Tunable> settings)
{
    std::string names;
    for (const Tunable& tunable : settings)
        names += fmt::format("#   {}\n", to_text(tunable));
    return fmt::format(R"(#!/bin/sh
# Written by netwright. Do not edit: the next confirm or rollback writes it anew, and removes it when nothing is left.
# NetworkManager runs it, and it sets again what was confirmed for the interface that came up
# (netwright status shows the values):
{0}case "$2" in
up | reapply | dhcp4-change | dhcp6-change) ;;
*) exit 0 ;;
esac
[ -x {1} ] || exit 0
exec {1} restore --state-dir {2} --interface "$1"
)",
                       names, binary.native(), state_dir.native());
}

Result<void> write_dispatcher_script(const fs::path& etc_dir, const fs::path& state_dir,
                                     std::span<const Tunable> settings)
{
    const fs::path script = dispatcher_script_path(etc_dir);
    if (settings.empty()) return remove_durably(script);
    const fs::path binary = TRY(own_binary());
    TRY_VOID(plain_unit_path(binary));
    TRY_VOID(plain_unit_path(state_dir));
    TRY_VOID(make_directory(script.parent_path(), 0755));
    return write_durably(script, dispatcher_script(binary, state_dir, settings), 0755);
}

} // namespace netwright::apply
