// SPDX-License-Identifier: GPL-2.0-or-later
// Where a search may look: the values of a setting that the catalogue calls safe to try on this host. Pure.
#pragma once

#include "base/units.h"
#include "model/search.h"

#include <optional>
#include <string>
#include <vector>

namespace netwright::plan {

struct SearchQuestion {
    Tunable tunable;
    Value now;                          // what the host has
    std::optional<Value> formula{};     // what a plan would set
    std::vector<std::string> choices{}; // names the kernel offers, for a setting that is a name
    Bytes memory{}, page{};             // of the host; 0: not known
};

// The present value, the formula's and what lies between the catalogue's ends: numbers in doublings, codes and names
// each. Of a list (tcp_rmem) the last element, the maximum, moves. Rejected, with the reason: the catalogue does not
// let a search have it, or nothing can be chosen from.
Result<Dimension> dimension_of(const SearchQuestion& question);

} // namespace netwright::plan
