// SPDX-License-Identifier: GPL-2.0-or-later
// Which sysctl files are applied, in which order: the last one to name a key wins.
#pragma once

#include "kernel/files.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::host {

// Where systemd-sysctl and `sysctl --system` look; of files with one name, only that in the first directory counts.
inline constexpr std::array<std::string_view, 5> sysctl_directories{
    "etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d", "lib/sysctl.d"};

// The *.conf files of some directories, first directory first, in the order in which they would be applied: sorted by
// name, of each name one, those masked by a link to /dev/null left out.
std::vector<std::string> effective_sysctl_files(const kernel::Files& files,
                                                std::span<const std::string_view> directories);

struct SystemSysctlFile {
    std::string path;         // relative to the root
    std::string_view read_by; // "systemd-sysctl" or "procps", see SysctlFile
};
// What this host applies at boot. Absent without /etc; Refused where a directory cannot be listed.
Result<std::vector<SystemSysctlFile>> system_sysctl_files(const kernel::Files& files);

} // namespace netwright::host
