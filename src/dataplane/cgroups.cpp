// SPDX-License-Identifier: GPL-2.0-or-later
// Looking cgroups up.
#include "dataplane/cgroups.h"

#include "kernel/congestion_choice.h"
#include "kernel/files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace netwright::dataplane {

Result<std::string> cgroup_root()
{
    const auto mounts = TRY(kernel::Files::live().read("proc/self/mounts"));
    std::string root = kernel::unified_cgroup(mounts);
    if (!root.empty()) return root;
    return fail(Error::Kind::Unsupported, "the unified cgroup hierarchy is mounted nowhere: mount -t cgroup2 cgroup2 "
                                          "/sys/fs/cgroup (or /sys/fs/cgroup/unified beside version 1)");
}

Result<std::string> cgroup_directory(const std::string& path)
{
    const std::string root = TRY(cgroup_root());
    const std::string directory = path == "/" ? root : root + "/" + path;
    struct stat found{};
    if (::stat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return directory;
    return fail(Error::Kind::Absent, fmt::format("there is no cgroup {} (looked for {})", path, directory), ENOENT);
}

Result<std::uint64_t> cgroup_id(const std::string& path)
{
    const std::string directory = TRY(cgroup_directory(path));
    struct stat found{};
    if (::stat(directory.c_str(), &found) < 0) return std::unexpected(errno_error(directory, errno));
    return std::uint64_t{found.st_ino}; // kernfs numbers its nodes by the cgroup's id (kernfs_id, Linux 5.5)
}

} // namespace netwright::dataplane
