// SPDX-License-Identifier: GPL-2.0-or-later
// The door to /proc, /sys and /etc, live or in a captured tree. Paths are relative to the root: "proc/net/snmp".
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::kernel {

class Files {
public:
    static Files live();
    // A directory that holds proc/, sys/, etc/ as `netwright capture`'s documentation describes. Links and ".." cannot
    // leave it (openat2 with RESOLVE_IN_ROOT, Linux 5.6; refused on older kernels).
    static Result<Files> tree(const std::string& directory);

    bool is_live() const { return live_; }

    // The whole file. Errors name the full path: "read /proc/sys/net/core/somaxconn: permission denied".
    Result<std::string> read(std::string_view path) const;
    // The same into a buffer that is reused from call to call (its old content is lost, even on failure).
    Result<void> read_into(std::string_view path, std::string& buffer) const;
    // Without the trailing newline.
    Result<std::string> read_line(std::string_view path) const;
    // One write(2) of the whole text, as /proc/sys and /sys want it; never creates a file.
    Result<void> write(std::string_view path, std::string_view text) const;
    Result<std::vector<std::string>> list(std::string_view directory) const; // names, sorted, without . and ..
    Result<std::string> link(std::string_view path) const;                   // where a symbolic link points
    bool exists(std::string_view path) const;
    // An O_PATH or O_RDONLY|O_DIRECTORY descriptor for walking a directory without repeating its path.
    Result<Fd> open(std::string_view path, int flags) const;
    std::string display(std::string_view path) const; // as a person would type it

private:
    Files() = default;
    Fd root_;
    std::string prefix_; // "" live, else the tree's directory
    bool live_ = false;
    Fd sysfs_; // live, in a namespace entered with --netns: a sysfs of that namespace for sys/class/net (see
               // namespace.h)
    friend class Kernel;
};

} // namespace netwright::kernel
