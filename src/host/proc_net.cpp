// SPDX-License-Identifier: GPL-2.0-or-later
// Finding /proc/net of the calling thread.
#include "host/proc_net.h"

#include <unistd.h>

namespace netwright::host {

std::string net_path(const kernel::Files& files, std::string_view name)
{
    static const bool has_thread_self = ::access("/proc/thread-self/net", F_OK) == 0;
    std::string path = files.is_live() && has_thread_self ? "proc/thread-self/net/" : "proc/net/";
    return path.append(name);
}

} // namespace netwright::host
