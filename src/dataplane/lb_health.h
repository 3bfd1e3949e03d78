// SPDX-License-Identifier: GPL-2.0-or-later
// What is thought of backends, and the configuration that follows from it. Pure: time and looks are handed in.
#pragma once

#include "dataplane/lb_config.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace netwright::dataplane {

struct LbHealth {
    bool known = false, up = true;
    unsigned against = 0;  // looks in a row that say otherwise
    Nanoseconds since{};   // when it went up or down
    bool starting = false; // it came up after having been down: slowly, where its pool wants that
    std::string why;       // of the last look that failed
};
using LbHealths = std::map<std::pair<std::string, Prefix>, LbHealth>; // by pool and backend

// What one look says. True: another opinion now. The first look decides at once, later ones when there are enough of
// them in a row.
bool note_look(LbHealth& health, const LbCheck& check, const Result<void>& seen, Nanoseconds now);

// Of ten parts of its weight, how many a backend gets: 1 to 10.
unsigned tenths(const LbHealth& health, Nanoseconds slow_start, Nanoseconds now);

// Every backend of a pool that can get connections is down, which says more about the checks or the way to all of them
// than about each: they are treated as if they were up.
bool all_down(const LbPool& pool, const LbHealths& healths);

// Backends that are down get nothing, those that start get less.
LbConfig with_health(const LbConfig& config, const LbHealths& healths, Nanoseconds now);

// When with_health changes by itself.
std::optional<Nanoseconds> next_step(const LbConfig& config, const LbHealths& healths, Nanoseconds now);

} // namespace netwright::dataplane
