// SPDX-License-Identifier: GPL-2.0-or-later
// Adding up, and telling drops for want of room from clashes.
#include "model/conntrack.h"

#include "base/error.h"

#include <algorithm>

namespace netwright {
namespace {

bool is_full(const Conntrack& table)
{
    return table.limit && *table.limit != 0 && table.count * 10 >= *table.limit * 9;
}

std::uint64_t without(std::uint64_t drops, std::uint64_t failed, std::uint64_t too_long)
{
    const std::uint64_t clashes = failed - std::min(failed, too_long); // a chain too long fails without a drop
    return drops - std::min(drops, clashes);
}

} // namespace

Result<Counter> sum(const Conntrack& table, Counter ConntrackCpu::* column)
{
    if (!table.cpus) return std::unexpected(table.cpus.error());
    Counter total;
    for (const ConntrackCpu& cpu : *table.cpus) {
        total.total += (cpu.*column).total;
        total.growth += (cpu.*column).growth;
    }
    return total;
}

Result<Counter> dropped_for_room(const Conntrack& table)
{
    const Counter drops = TRY(sum(table, &ConntrackCpu::drop));
    if (is_full(table)) return drops;
    const Counter failed = TRY(sum(table, &ConntrackCpu::insert_failed));
    const Counter too_long = TRY(sum(table, &ConntrackCpu::chain_too_long));
    return Counter{without(drops.total, failed.total, too_long.total),
                   without(drops.growth, failed.growth, too_long.growth)};
}

} // namespace netwright
