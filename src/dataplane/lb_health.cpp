// SPDX-License-Identifier: GPL-2.0-or-later
// Rise, fall and slow start.
#include "dataplane/lb_health.h"

#include <algorithm>

namespace netwright::dataplane {
namespace {

const LbHealth& health_of(const LbHealths& healths, const LbPool& pool, const LbBackend& backend)
{
    static const LbHealth unknown;
    const auto found = healths.find({pool.name, backend.address});
    return found == healths.end() ? unknown : found->second;
}

constexpr unsigned steps = 10;

} // namespace

bool note_look(LbHealth& health, const LbCheck& check, const Result<void>& seen, Nanoseconds now)
{
    const bool first = !health.known, good = seen.has_value();
    if (!good) health.why = seen.error().what;
    health.known = true;
    health.against = good == health.up ? 0 : health.against + 1;
    if (first) health.since = now;
    if (health.against == 0 || (!first && health.against < (good ? check.rise : check.fall))) return false;
    health.up = good;
    health.against = 0;
    health.since = now;
    health.starting = good;
    return true;
}

unsigned tenths(const LbHealth& health, Nanoseconds slow_start, Nanoseconds now)
{
    const Nanoseconds age = now - health.since;
    if (!health.starting || age >= slow_start) return steps;
    return static_cast<unsigned>(std::clamp<std::int64_t>(age.count() / (slow_start.count() / steps), 0, steps - 1)) +
           1;
}

bool all_down(const LbPool& pool, const LbHealths& healths)
{
    bool any = false;
    for (const LbBackend& backend : pool.backends) {
        if (backend.weight == 0) continue;
        if (health_of(healths, pool, backend).up) return false;
        any = true;
    }
    return any;
}

LbConfig with_health(const LbConfig& config, const LbHealths& healths, Nanoseconds now)
{
    LbConfig result = config;
    for (LbPool& pool : result.pools) {
        const bool as_if_up = all_down(pool, healths);
        for (LbBackend& backend : pool.backends) {
            const LbHealth& health = health_of(healths, pool, backend);
            backend.down = !health.up && !as_if_up;
            if (pool.slow_start.count() > 0) backend.weight *= tenths(health, pool.slow_start, now);
        }
    }
    return result;
}

std::optional<Nanoseconds> next_step(const LbConfig& config, const LbHealths& healths, Nanoseconds now)
{
    std::optional<Nanoseconds> soonest;
    for (const LbPool& pool : config.pools)
        for (const LbBackend& backend : pool.backends) {
            const LbHealth& health = health_of(healths, pool, backend);
            const unsigned part = tenths(health, pool.slow_start, now);
            if (!health.up || part == steps) continue;
            const Nanoseconds at = health.since + pool.slow_start / steps * part;
            soonest = std::min(soonest.value_or(at), at);
        }
    return soonest;
}

} // namespace netwright::dataplane
