// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as /proc/stat, /proc/meminfo and file-nr.
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto cpus = host::parse_cpu_times(text)) {
        for (const CpuTimes& cpu : *cpus)
            ENSURE(cpu.cpu < CpuSet::limit);
    }
    (void)host::parse_memory(text);
    (void)host::parse_file_table(text);
    return 0;
}
