// SPDX-License-Identifier: GPL-2.0-or-later
// A network and mount namespace of this test process, in which it may change what it likes.
#pragma once

#include "apply/transaction.h"
#include "tunable/tree.h"
#include "tunable/tunable_kind.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>

namespace netwright::test {

// Once for the whole process; every test in the file starts from the values it finds.
inline void enter_private_namespace()
{
    static const bool entered = [] {
        // Killed processes need no disk: what they have written stays in the page cache.
        if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
        return ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
               ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }();
    REQUIRE_MESSAGE(entered, "this test needs root: it makes a network namespace of its own");
}

inline kernel::Kernel private_kernel()
{
    auto kernel = kernel::Kernel::live_in_namespace();
    REQUIRE(kernel);
    return std::move(*kernel);
}

inline std::string shown(kernel::Kernel& kernel, const Tunable& tunable)
{
    const auto value = tunable::read(kernel, tunable);
    if (!value) return std::string(to_text(value.error().kind));
    return *value ? to_text(**value) : "nothing";
}

inline std::string shown(kernel::Kernel& kernel, const char* tunable) { return shown(kernel, *parse_tunable(tunable)); }

// A change from what the namespace holds now.
inline Change change_to(kernel::Kernel& kernel, const char* tunable, const char* to)
{
    Change change;
    change.tunable = *parse_tunable(tunable);
    change.from = tunable::read(kernel, change.tunable).value_or(std::nullopt);
    change.to = *parse_value(change.tunable, to);
    change.persistence = natural_persistence(change.tunable);
    return change;
}

// Five sysctls, one of which moves others, a link and a queue.
inline Plan small_plan(kernel::Kernel& kernel)
{
    Plan plan;
    plan.changes = {change_to(kernel, "net.core.somaxconn", "8192"),
                    change_to(kernel, "net.ipv4.tcp_rmem", "4096 131072 16777216"),
                    change_to(kernel, "net.ipv4.ip_local_port_range", "10240 65000"),
                    change_to(kernel, "net.ipv4.conf.default.log_martians", "1"),
                    change_to(kernel, "net.ipv4.ip_local_reserved_ports", "30000-30010"),
                    change_to(kernel, "link/lo/mtu", "16384"),
                    change_to(kernel, "queue/lo/rx-0/rps_cpus", "mask:1")};
    return plan;
}

// Every sysctl, link and queue of the namespace with its value: what "as it was" means.
inline std::map<std::string, std::string> everything(kernel::Kernel& kernel)
{
    std::map<std::string, std::string> all;
    const auto tunables = tunable::list(kernel);
    REQUIRE(tunables);
    for (const Tunable& tunable : *tunables) {
        const std::string name = to_text(tunable);
        // Host-wide values may move while we run; fs, vm and kernel are not the namespace's.
        if (name.starts_with("sysctl/net.") || !name.starts_with("sysctl/")) all[name] = shown(kernel, tunable);
    }
    return all;
}

} // namespace netwright::test
