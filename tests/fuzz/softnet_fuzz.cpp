// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as /proc/net/softnet_stat: no CPU beyond the limit comes out, and growth over itself is nothing.
#include "host/counter_growth.h"
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto cpus = host::parse_softnet(text);
    if (!cpus) return 0;
    ENSURE(!cpus->empty());
    const auto earlier = *cpus;
    host::grow_since(*cpus, earlier);
    for (const SoftnetCpu& cpu : *cpus)
        ENSURE(cpu.cpu < CpuSet::limit && cpu.processed.total <= UINT32_MAX);
    return 0;
}
