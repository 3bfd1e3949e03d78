// SPDX-License-Identifier: GPL-2.0-or-later
// Comparing snapshots.
#include "host/since.h"

#include "base/units.h"
#include "host/counter_growth.h"
#include "host/growth.h"

namespace netwright::host {
namespace {

template <class T>
bool differ(const Result<T>& a, const Result<T>& b)
{
    return a && b && *a != *b;
}

Result<void> same_host(const Snapshot& earlier, const Snapshot& now)
{
    const auto wrong = [](std::string what) { return fail(Error::Kind::Mismatch, std::move(what)); };
    if (differ(earlier.surroundings.machine_id, now.surroundings.machine_id) ||
        earlier.surroundings.hostname != now.surroundings.hostname)
        return wrong("the two captures come from different hosts");
    if (differ(earlier.kernel.boot_id, now.kernel.boot_id))
        return wrong("the host was restarted between the two captures: its counters began anew");
    if (differ(earlier.surroundings.network_namespace, now.surroundings.network_namespace))
        return wrong("the two captures come from different network namespaces");
    return {};
}

} // namespace

void grow_since(Snapshot& now, const Snapshot& earlier, std::chrono::milliseconds interval)
{
    now.interval = interval;
    grow_since(now.softnet, earlier.softnet);
    if (now.protocols && earlier.protocols) now.protocols->grow_since(*earlier.protocols);
    grow_since(now.cpu_times, earlier.cpu_times);
    grow_since(now.softirqs, earlier.softirqs);
    grow_since(now.interrupts, earlier.interrupts);
    grow_since(now.pressure, earlier.pressure);
    grow_since(now.nics, earlier.nics);
    grow_since(now.qdiscs, earlier.qdiscs);
    grow_since(now.conntrack, earlier.conntrack);
    grow_since(now.neighbours, earlier.neighbours);
}

Result<Snapshot> since(const Snapshot& earlier, Snapshot now)
{
    TRY_VOID(same_host(earlier, now));
    const auto interval = now.taken - earlier.taken;
    if (interval <= interval.zero())
        return fail(Error::Kind::Rejected, "the second capture must be the later one, at least a second apart");
    grow_since(now, earlier, interval);
    return now;
}

} // namespace netwright::host
