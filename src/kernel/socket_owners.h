// SPDX-License-Identifier: GPL-2.0-or-later
// Which process holds which socket. sock_diag gives the inode; only the processes' descriptors lead back to a process.
#pragma once

#include "kernel/files.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace netwright::kernel {

// A few sockets, as listeners are: /proc/PID/fd, the first descriptors of every process first, for servers open their
// listeners early; then wider portions until all are found. Processes of other network namespaces come last.
struct OwnerSearch {
    std::vector<std::uint32_t> inodes;                 // sorted, as asked for
    std::vector<std::uint32_t> pids;                   // beside each inode its process; 0: not found
    bool refused = false;                              // some processes did not show their descriptors
    bool complete = true;                              // false: gave up after `owner_search_limit` descriptors
    std::uint32_t owner_of(std::uint32_t inode) const; // 0: not found
};
inline constexpr std::size_t owner_search_limit = 262144; // about half a second
Result<OwnerSearch> find_owners(const Files& files, std::vector<std::uint32_t> inodes);

// Every internet socket of the calling thread's network namespace, once a descriptor that holds it.
struct OwnedSocket {
    std::uint64_t inode = 0;
    std::uint32_t pid = 0;
    std::uint16_t protocol = 0; // IPPROTO_TCP, IPPROTO_UDP …
    std::uint8_t family = 0, state = 0;
};
// One pass of a BPF iterator, about 0.5 us a socket. Refused: no CAP_BPF and CAP_PERFMON. Unsupported: no BTF, a
// kernel before 5.11, or a pid namespace of our own (the iterator tells the host's pids).
Result<void> each_owned_socket(const std::function<void(const OwnedSocket&)>& each);
// The slow way there: every descriptor of every process, all that can be read. `refused` says if some could not be.
struct DescriptorSummary {
    std::uint64_t looked_at = 0;
    bool refused = false;
};
Result<DescriptorSummary>
each_socket_descriptor(const Files& files, const std::function<void(std::uint32_t pid, std::uint32_t inode)>& each);

} // namespace netwright::kernel
