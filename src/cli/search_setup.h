// SPDX-License-Identifier: GPL-2.0-or-later
// From a search's flags to where it looks, and from what it proved to a plan.
#pragma once

#include "cli/command.h"
#include "model/intent.h"
#include "model/plan.h"
#include "model/search.h"

#include <string>
#include <vector>

namespace netwright::cli {

// The host as it stands before anything is tried.
struct SearchHost {
    Fingerprint fingerprint;
    Intent intent; // that the formulas took
    std::vector<Dimension> dimensions;
};

// Looks at the host, asks the formulas, and lets the catalogue say what may be tried. `start`: a plan whose values are
// taken instead of the formulas'; "": those of the plan that netwright would make for `intent` now.
// Rejected: a setting that cannot be searched, with the reason.
Result<SearchHost> search_host(const std::vector<std::string>& over, Intent intent, const std::string& start,
                               const Globals& globals);

enum class Scope { Changed, All }; // of a point's settings: those that differ from the host's, or all of them
Plan plan_of(const SearchHost& host, const SearchPoint& point, Scope scope);

} // namespace netwright::cli
