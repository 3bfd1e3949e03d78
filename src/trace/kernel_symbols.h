// SPDX-License-Identifier: GPL-2.0-or-later
// From addresses in the kernel to the functions they lie in.
#pragma once

#include "kernel/files.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace netwright::trace {

// The function around each address, of /proc/kallsyms; "" for an address below the first, or where the kernel hides
// its addresses (kptr_restrict).
std::map<std::uint64_t, std::string> parse_symbols(std::string_view text, const std::set<std::uint64_t>& addresses);
// 10 MB and some 50 ms: only for addresses that are worth it.
Result<std::map<std::uint64_t, std::string>> find_symbols(const kernel::Files& files,
                                                          const std::set<std::uint64_t>& addresses);

} // namespace netwright::trace
