// SPDX-License-Identifier: GPL-2.0-or-later
// The systemd unit that runs `netwright recover` at boot (docs/decisions/009-recover-at-boot.md).
#pragma once

#include "base/error.h"

#include <filesystem>

namespace netwright::apply {

// Writes netwright-recover.service for this binary and enables it, in `systemd_dir` (/etc/systemd/system). Both or
// neither; an older one is replaced. Rejected: a path that a unit file cannot hold.
Result<void> install_boot_unit(const std::filesystem::path& systemd_dir, const std::filesystem::path& binary,
                               const std::filesystem::path& state_dir);
Result<void> remove_boot_unit(const std::filesystem::path& systemd_dir);

} // namespace netwright::apply
