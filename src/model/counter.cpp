// SPDX-License-Identifier: GPL-2.0-or-later
// Counter tables and growth.
#include "model/counter.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright {

CounterTable::CounterTable(std::vector<NamedCounter> counters) : counters_(std::move(counters))
{
    std::ranges::stable_sort(counters_, {}, &NamedCounter::name);
}

Result<Counter> CounterTable::at(std::string_view name) const
{
    const auto found = std::ranges::lower_bound(counters_, name, {}, &NamedCounter::name);
    if (found == counters_.end() || found->name != name)
        return fail(Error::Kind::Absent, fmt::format("counter {}: not kept here", name));
    return found->counter;
}

void CounterTable::grow_since(const CounterTable& earlier)
{
    // Both are sorted; the n-th of several equal names pairs with the n-th.
    auto before = earlier.counters_.begin();
    for (auto& [name, counter] : counters_) {
        while (before != earlier.counters_.end() && before->name < name)
            ++before;
        const bool known = before != earlier.counters_.end() && before->name == name;
        counter.growth = growth_u64(known ? before->counter.total : 0, counter.total);
        if (known) ++before;
    }
}

std::uint64_t growth_u32(std::uint64_t before, std::uint64_t after)
{
    return static_cast<std::uint32_t>(static_cast<std::uint32_t>(after) - static_cast<std::uint32_t>(before));
}

std::uint64_t growth_u64(std::uint64_t before, std::uint64_t after) { return after >= before ? after - before : 0; }

} // namespace netwright
