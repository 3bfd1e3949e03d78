// SPDX-License-Identifier: GPL-2.0-or-later
// What sysfs tells of an interface beyond netlink: its place on the machine, its queues, its NAPI settings.
#pragma once

#include "kernel/files.h"
#include "model/nic.h"

namespace netwright::host {

// NUMA node, CPUs, virtual functions, interrupts, queues, NAPI settings of the device.
void read_sysfs(const kernel::Files& files, Nic& nic);

} // namespace netwright::host
