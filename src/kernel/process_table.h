// SPDX-License-Identifier: GPL-2.0-or-later
// The processes of /proc: who runs, and which sockets their descriptors hold.
#pragma once

#include "kernel/files.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::kernel {

Result<std::vector<std::uint32_t>> list_processes(const Files& files); // ascending
// /proc/PID/comm, at most 15 characters; Absent when the process has ended.
Result<std::string> command_of(const Files& files, std::uint64_t pid);

// "socket:[4711]", as /proc/PID/fd/N points to; nothing for any other kind of descriptor.
std::optional<std::uint32_t> parse_socket_link(std::string_view target);

// Reads the descriptors of one process in portions, lowest numbers first, and resumes where the last portion ended.
class DescriptorWalk {
public:
    DescriptorWalk(int proc, std::uint32_t pid) : proc_(proc), pid_(pid) {} // `proc`: an open /proc, borrowed

    // Hands the sockets among the next `portion` descriptors, or a few more, to `each`; how many descriptors it looked
    // at. Refused: another user's process. A process that ended meanwhile has none left. `each` says false to stop.
    Result<std::size_t> next(std::size_t portion, const std::function<bool(std::uint32_t inode)>& each);
    bool done() const { return done_; }
    std::uint32_t pid() const { return pid_; }

private:
    int proc_;
    std::uint32_t pid_;
    std::int64_t position_ = 0; // of the directory
    bool done_ = false;
};

} // namespace netwright::kernel
