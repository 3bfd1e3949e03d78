// SPDX-License-Identifier: GPL-2.0-or-later
// Network namespaces as things that can be recognised and found again.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <functional>
#include <string>

namespace netwright::kernel {

class Netlink;

struct NetworkNamespace {
    bool initial = true;      // that of process 1
    std::string name;         // its name below /run/netns; "" if it has none there
    std::uint64_t inode = 0;  // as in "net:[4026531840]"; numbers are used again after a namespace is gone
    std::uint64_t cookie = 0; // never used again until the next boot (SO_NETNS_COOKIE, Linux 5.14; 0 before)
    bool operator==(const NetworkNamespace&) const = default;
};

// The calling thread's.
Result<NetworkNamespace> current_namespace();
// The namespace that `wanted` was, by cookie where there is one: among the named ones, process 1's and those of running
// processes. Absent: it is gone.
Result<Fd> find_namespace(const NetworkNamespace& wanted);
// Moves the calling thread there for good.
Result<void> enter_namespace(const Fd& found);
// Lets a thread try something in a network namespace that is made for it and gone afterwards; its only device is lo,
// with index 1. Refused without the right to make one.
Result<void> in_scratch_namespace(const std::function<Result<void>(Netlink&)>& act);
std::string describe(const NetworkNamespace& space); // "the host's network namespace", "network namespace blue"

} // namespace netwright::kernel
