// SPDX-License-Identifier: GPL-2.0-or-later
// The same unit as packaging/netwright-recover.service, for a binary that no package installed.
#include "apply/boot_unit.h"

#include "apply/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace netwright::apply {
namespace {

constexpr std::string_view unit_name = "netwright-recover.service";

std::filesystem::path wants(const std::filesystem::path& systemd_dir)
{
    return systemd_dir / "sysinit.target.wants" / unit_name;
}

// Blanks, quotes, percent signs and backslashes mean something in a unit file (systemd.syntax(7)).
Result<void> plain_path(const std::filesystem::path& path)
{
    const std::string& text = path.native();
    const bool plain = std::ranges::all_of(text, [](char c) {
        return static_cast<unsigned char>(c) > ' ' &&
               std::string_view("%\\\"'$;#*?[]").find(c) == std::string_view::npos;
    });
    if (path.is_absolute() && plain) return {};
    return fail(Error::Kind::Rejected,
                fmt::format("{} cannot stand in a systemd unit: use an absolute path without blanks "
                            "or special characters",
                            text));
}

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

Result<void> enable(const std::filesystem::path& systemd_dir)
{
    const auto link = wants(systemd_dir);
    TRY_VOID(make_directory(link.parent_path(), 0755));
    std::error_code problem;
    std::filesystem::remove(link, problem);
    std::filesystem::create_symlink(std::filesystem::path("..") / unit_name, link, problem);
    if (problem) return std::unexpected(errno_error("enable " + link.string(), problem.value()));
    return sync_directory(link.parent_path());
}

} // namespace

Result<void> install_boot_unit(const std::filesystem::path& systemd_dir, const std::filesystem::path& binary,
                               const std::filesystem::path& state_dir)
{
    TRY_VOID(plain_path(binary));
    TRY_VOID(plain_path(state_dir));
    TRY_VOID(write_durably(systemd_dir / unit_name, unit_text(binary, state_dir), 0644));
    auto enabled = enable(systemd_dir);
    if (!enabled) (void)remove_boot_unit(systemd_dir);
    return enabled;
}

Result<void> remove_boot_unit(const std::filesystem::path& systemd_dir)
{
    TRY_VOID(remove_durably(wants(systemd_dir)));
    return remove_durably(systemd_dir / unit_name);
}

} // namespace netwright::apply
