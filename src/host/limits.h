// SPDX-License-Identifier: GPL-2.0-or-later
// Parsers behind collect_limits(): text of /proc/PID/limits and /proc/PID/cgroup.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace netwright::host {

struct DescriptorLimit {
    std::uint64_t soft = 0, hard = 0; // unlimited is 2^64-1
    bool operator==(const DescriptorLimit&) const = default;
};
Result<DescriptorLimit> parse_descriptor_limit(std::string_view text); // "Max open files  1024  524288  files"
std::string parse_cgroup(std::string_view text);                       // the unified hierarchy's path; "/" if only v1

} // namespace netwright::host
