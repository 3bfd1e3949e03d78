// SPDX-License-Identifier: GPL-2.0-or-later
// Cgroups of the unified hierarchy by path.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>

namespace netwright::dataplane {

// Where the unified hierarchy is mounted. Unsupported: nowhere, with the command that mounts it.
Result<std::string> cgroup_root();
// "system.slice/nginx.service" (or "/") as a directory. Absent: there is no such cgroup.
Result<std::string> cgroup_directory(const std::string& path);
// The number by which BPF programs know it. A cgroup that is removed and made anew has another.
Result<std::uint64_t> cgroup_id(const std::string& path);

} // namespace netwright::dataplane
