// SPDX-License-Identifier: GPL-2.0-or-later
// Network namespaces: who they are and where to find them again.
#include "kernel/namespace.h"

#include "base/text.h"
#include "kernel/files.h"
#include "kernel/netlink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 // include/uapi/asm-generic/socket.h
#endif

namespace netwright::kernel {
namespace {

constexpr const char* named_directory = "/run/netns/";

std::uint64_t inode_of(const std::string& path)
{
    struct stat facts{};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_ino : 0;
}

// Without the rights to look at process 1 the kernel's own first namespace is still known: only there the host-wide
// sysctls of net.core are shown (net/core/sysctl_net_core.c).
bool is_first(std::uint64_t inode)
{
    const std::uint64_t first = inode_of("/proc/1/ns/net");
    return first != 0 ? first == inode : Files::live().exists("proc/sys/net/core/netdev_max_backlog");
}

std::uint64_t cookie_here()
{
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0) return 0;
    return cookie;
}

std::vector<std::string> names_in(const char* directory)
{
    return Files::live().list(directory).value_or(std::vector<std::string>{});
}

std::string name_of(std::uint64_t inode)
{
    for (const std::string& name : names_in(named_directory))
        if (inode_of(named_directory + name) == inode) return name;
    return {};
}

// The cookie can only be asked from within; a thread goes there and ends.
std::uint64_t cookie_of(const Fd& space)
{
    std::uint64_t cookie = 0;
    std::thread([&] {
        if (::setns(space.get(), CLONE_NEWNET) == 0) cookie = cookie_here();
    }).join();
    return cookie;
}

Result<Fd> open_if_it_is(const std::string& path, const NetworkNamespace& wanted)
{
    if (inode_of(path) != wanted.inode) return fail(Error::Kind::Absent, path);
    Fd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!space) return std::unexpected(errno_error("open " + path, errno));
    if (wanted.cookie != 0 && cookie_of(space) != wanted.cookie) return fail(Error::Kind::Absent, path);
    return space;
}

} // namespace

Result<NetworkNamespace> current_namespace()
{
    NetworkNamespace here;
    here.inode = inode_of("/proc/thread-self/ns/net");
    if (here.inode == 0) return std::unexpected(errno_error("read /proc/thread-self/ns/net", errno));
    here.initial = is_first(here.inode);
    here.cookie = cookie_here();
    if (!here.initial) here.name = name_of(here.inode);
    return here;
}

Result<Fd> find_namespace(const NetworkNamespace& wanted)
{
    if (!wanted.name.empty())
        if (auto found = open_if_it_is(named_directory + wanted.name, wanted)) return found;
    for (const std::string& name : names_in(named_directory))
        if (auto found = open_if_it_is(named_directory + name, wanted)) return found;
    for (const std::string& process : names_in("/proc"))
        if (std::ranges::all_of(process, is_digit))
            if (auto found = open_if_it_is("/proc/" + process + "/ns/net", wanted)) return found;
    return fail(Error::Kind::Absent, describe(wanted) + " is gone");
}

Result<void> enter_namespace(const Fd& found)
{
    if (::setns(found.get(), CLONE_NEWNET) < 0) return std::unexpected(errno_error("enter a network namespace", errno));
    return {};
}

Result<void> in_scratch_namespace(const std::function<Result<void>(Netlink&)>& act)
{
    Result<void> done;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) < 0)
            done = std::unexpected(errno_error("make a network namespace to try it in", errno));
        else
            done = act(*live_netlink());
    }).join();
    return done;
}

std::string describe(const NetworkNamespace& space)
{
    if (space.initial) return "the host's network namespace";
    if (!space.name.empty()) return "network namespace " + space.name;
    return fmt::format("network namespace net:[{}]", space.inode);
}

} // namespace netwright::kernel
