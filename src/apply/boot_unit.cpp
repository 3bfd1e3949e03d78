// SPDX-License-Identifier: GPL-2.0-or-later
// The same unit as packaging/netwright-recover.service, for a binary that no package installed.
#include "apply/boot_unit.h"

#include "apply/systemd_unit.h"

#include <fmt/format.h>

#include <string>

namespace netwright::apply {
namespace {

constexpr std::string_view unit_name = "netwright-recover.service", target = "sysinit.target";

std::string unit_text(const std::filesystem::path& binary, const std::filesystem::path& state_dir)
{
    return fmt::format(R"([Unit]
Description=Undo unconfirmed network tuning that a crash left behind (netwright recover)
DefaultDependencies=no
RequiresMountsFor={1} /etc/sysctl.d {0}
After=local-fs.target systemd-sysctl.service systemd-modules-load.service
Before=network-pre.target sysinit.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionPathExistsGlob={1}/undo-*.sh

[Service]
Type=oneshot
ExecStart={0} recover --state-dir {1}
TimeoutStartSec=60

[Install]
WantedBy=sysinit.target
)",
                       binary.native(), state_dir.native());
}

} // namespace

Result<void> install_boot_unit(const std::filesystem::path& systemd_dir, const std::filesystem::path& binary,
                               const std::filesystem::path& state_dir)
{
    TRY_VOID(plain_unit_path(binary));
    TRY_VOID(plain_unit_path(state_dir));
    return enable_unit(systemd_dir, unit_name, target, unit_text(binary, state_dir));
}

Result<void> remove_boot_unit(const std::filesystem::path& systemd_dir)
{
    return disable_unit(systemd_dir, unit_name, target);
}

} // namespace netwright::apply
