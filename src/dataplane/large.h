// SPDX-License-Identifier: GPL-2.0-or-later
// Vectors of many megabytes, which are filled once.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace netwright::dataplane {

// Room for `count`, in pages of 2 MiB where the kernel has some: a page fault for every 4 KiB takes longer than
// filling.
template <class T>
void reserve_large(std::vector<T>& values, std::size_t count)
{
    constexpr std::uintptr_t page = 2U << 20;
    values.reserve(count);
    const auto begin = (reinterpret_cast<std::uintptr_t>(values.data()) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(values.data() + values.capacity()) / page * page;
    if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

} // namespace netwright::dataplane
