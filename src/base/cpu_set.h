// SPDX-License-Identifier: GPL-2.0-or-later
// A set of CPU numbers and the two forms the kernel writes it in: lists ("0-3,8") and hex masks ("00000000,0000010f").
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

class CpuSet {
public:
    static constexpr unsigned limit = 8192; // NR_CPUS of the largest distribution kernels (arch/x86/Kconfig)

    CpuSet() = default;
    static Result<CpuSet> parse_list(std::string_view text); // "", "0", "0-3,8,10-11"
    static Result<CpuSet> parse_mask(std::string_view text); // "f", "00000000,0000000f" (cpumask format of bitmap.c)

    void add(unsigned cpu); // cpu < limit
    bool contains(unsigned cpu) const;
    bool empty() const { return words_.empty(); }
    unsigned count() const;
    std::vector<unsigned> members() const;
    std::string list() const; // "0-3,8"; "" when empty
    std::string mask() const; // comma-separated groups of 32 bits, as the kernel accepts; "0" when empty

    friend CpuSet operator&(const CpuSet& a, const CpuSet& b);
    friend CpuSet operator|(const CpuSet& a, const CpuSet& b);
    friend CpuSet operator-(const CpuSet& a, const CpuSet& b); // in a, not in b
    bool operator==(const CpuSet&) const = default;

private:
    void shrink(); // no trailing zero word: equal sets are equal vectors
    std::vector<std::uint64_t> words_;
};

} // namespace netwright
