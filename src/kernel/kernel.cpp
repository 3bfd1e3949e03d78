// SPDX-License-Identifier: GPL-2.0-or-later
// Opening the doors.
#include "kernel/kernel.h"

#include "kernel/ethtool_ioctl.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace netwright::kernel {

Kernel Kernel::live() { return Kernel(Files::live(), with_ethtool_ioctl(live_netlink())); }

Result<Kernel> Kernel::live_in_namespace()
{
    // A sysfs mount shows the network namespace of whoever made its superblock (fs/kernfs/mount.c, kernfs_ns).
    const Fd context(static_cast<int>(::syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC)));
    if (!context || ::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return std::unexpected(errno_error("open a sysfs for this network namespace", errno));
    Fd sysfs(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
    if (!sysfs) return std::unexpected(errno_error("open a sysfs for this network namespace", errno));
    Kernel kernel = live();
    kernel.files.sysfs_ = std::move(sysfs);
    return kernel;
}

Result<Kernel> Kernel::captured(const std::string& directory)
{
    Files files = TRY(Files::tree(directory));
    return Kernel(std::move(files), absent_netlink("a captured tree holds no netlink answers"));
}

Result<void> enter_namespace(const std::string& name)
{
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
        return fail(Error::Kind::Rejected,
                    fmt::format("'{}' is not a network namespace's name (see: ip netns list)", name));
    const Fd ns(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!ns && errno == ENOENT)
        return fail(Error::Kind::Absent, fmt::format("no network namespace '{}' (see: ip netns list)", name), ENOENT);
    if (!ns) return std::unexpected(errno_error("open network namespace " + name, errno));
    if (::setns(ns.get(), CLONE_NEWNET) < 0)
        return std::unexpected(errno_error("enter network namespace " + name, errno));
    return {};
}

} // namespace netwright::kernel
