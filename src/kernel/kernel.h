// SPDX-License-Identifier: GPL-2.0-or-later
// The doors to one system, handed down from main: files and netlink, live or captured.
#pragma once

#include "kernel/files.h"
#include "kernel/netlink.h"

#include <memory>
#include <string>

namespace netwright::kernel {

class Kernel {
public:
    static Kernel live();
    // The calling thread's system after it has entered another network namespace (enter_namespace): sys/class/net is
    // read from a sysfs of that namespace, mounted nowhere (fsopen(2), Linux 5.2). Refused without CAP_SYS_ADMIN.
    static Result<Kernel> live_in_namespace();
    static Result<Kernel> captured(const std::string& directory);

    Files files;
    std::unique_ptr<Netlink> netlink;

private:
    Kernel(Files f, std::unique_ptr<Netlink> n) : files(std::move(f)), netlink(std::move(n)) {}
};

// Moves the calling thread into the network namespace called `name` (/run/netns/<name>) for good.
// Absent: no such namespace. Rejected: the name holds a slash or is empty.
Result<void> enter_namespace(const std::string& name);

} // namespace netwright::kernel
