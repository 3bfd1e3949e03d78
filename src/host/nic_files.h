// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces as a tree of files shows them, where netlink cannot answer: a captured /proc and /sys.
#pragma once

#include "kernel/files.h"
#include "model/nic.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::host {

// Every interface of sys/class/net, in the order of their indexes, with its statistics; without that directory, the
// names and counters of proc/net/dev. What only netlink or an ioctl can tell carries `why`. Absent: neither is there.
Result<std::vector<Nic>> collect_nics_from_files(const kernel::Files& files, const Error& why);

struct DeviceCounters {
    std::string nic;
    CounterTable statistics;
};
// /proc/net/dev by interface, under rtnetlink's names. Columns that are sums of several counters are left out.
Result<std::vector<DeviceCounters>> parse_net_dev(std::string_view text);

} // namespace netwright::host
