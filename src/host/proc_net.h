// SPDX-License-Identifier: GPL-2.0-or-later
// Where the network files of the calling thread lie. /proc/net is a link to self/net, which shows the namespace of the
// process's first thread (fs/proc/proc_net.c, get_proc_task_net): a thread that moved elsewhere must ask for its own.
#pragma once

#include "kernel/files.h"

#include <string>
#include <string_view>

namespace netwright::host {

// "proc/thread-self/net/snmp" live (Linux 3.17 and later), "proc/net/snmp" in a captured tree and before.
std::string net_path(const kernel::Files& files, std::string_view name);

} // namespace netwright::host
