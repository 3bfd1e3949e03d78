// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as /proc/net/snmp, netstat and snmp6: every counter has a name.
#include "host/parse.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<NamedCounter> counters;
    if (!host::parse_paired_counters(text, counters)) counters.clear();
    if (!host::parse_listed_counters(text, counters)) counters.clear();
    for (const NamedCounter& counter : counters)
        ENSURE(!counter.name.empty());
    CounterTable table(counters);
    table.grow_since(CounterTable(std::move(counters)));
    for (const NamedCounter& counter : table.all())
        ENSURE(counter.counter.growth == 0);
    return 0;
}
