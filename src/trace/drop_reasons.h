// SPDX-License-Identifier: GPL-2.0-or-later
// What the running kernel calls its drop reasons. The numbers move with every release, so no table is ever shipped:
// the names come from the kernel's own type information.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netwright::trace {

struct Enumerator {
    std::string name;
    std::uint32_t value = 0;
};

class DropReasons {
public:
    // Enumerators as BTF has them: SKB_DROP_REASON_NO_SOCKET and the like; subsystems with numbers in the upper half.
    explicit DropReasons(const std::vector<Enumerator>& core);
    void add_subsystem(std::uint32_t number, std::string_view prefix, const std::vector<Enumerator>& reasons);
    std::string name(std::uint32_t reason) const; // "NO_SOCKET"; "reason#131" where this kernel tells no name

private:
    std::vector<std::pair<std::uint32_t, std::string>> names_; // sorted
};

struct KernelDrops {
    DropReasons reasons;
    std::uint32_t arguments = 0; // of the tracepoint: 2, since 5.17 3, since 6.11 4
};
// From /sys/kernel/btf. Unsupported: a kernel without it.
Result<KernelDrops> running_kernel_drops();

} // namespace netwright::trace
