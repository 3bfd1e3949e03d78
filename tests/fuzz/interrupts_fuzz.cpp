// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as /proc/interrupts or /proc/softirqs: each row has a column for each CPU.
#include "host/counter_growth.h"
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto table = host::parse_interrupts(text);
    if (!table) return 0;
    for (const InterruptLine& line : table->lines)
        ENSURE(line.per_cpu.size() == table->cpus.size());
    auto again = *table;
    host::grow_since(again, *table);
    return 0;
}
