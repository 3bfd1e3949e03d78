// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a CPU list and a CPU mask: what is accepted reads back from its own text.
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto set = CpuSet::parse_list(text)) ENSURE(*CpuSet::parse_list(set->list()) == *set);
    if (const auto set = CpuSet::parse_mask(text)) ENSURE(*CpuSet::parse_mask(set->mask()) == *set);
    return 0;
}
