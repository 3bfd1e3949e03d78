// SPDX-License-Identifier: GPL-2.0-or-later
// Who holds this host's connections. Not part of collect(): it loads a BPF program, or walks every descriptor.
#pragma once

#include "kernel/kernel.h"
#include "model/sockets.h"

#include <string>
#include <vector>

namespace netwright::host {

struct ConnectionOwners {
    std::vector<OwnerCount> most; // at most 64, most connections first
    // "BPF iter/task_file", or "/proc/PID/fd" and why; also what that way did not see.
    std::string seen_through;
};

enum class OwnerSource { Best, DescriptorsOnly }; // DescriptorsOnly: never load BPF

// Established TCP connections a process of this network namespace. A connection that two processes share counts for
// both; one that nobody holds any more (orphaned, or the kernel's own) for none.
Result<ConnectionOwners> collect_connection_owners(kernel::Kernel& kernel, OwnerSource source = OwnerSource::Best);

} // namespace netwright::host
