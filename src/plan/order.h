// SPDX-License-Identifier: GPL-2.0-or-later
// In which order changes are safe. Some keys are refused, or open a gap, until another has moved.
#pragma once

#include "model/change.h"

#include <span>
#include <string_view>
#include <vector>

namespace netwright::plan {

// Always: `first` goes before `then`. Ceiling: `first` limits `then`, so it goes first when both rise and last when
// both fall; a list rises when no element falls, and falls when one does.
enum class When { Always, Ceiling };

struct Constraint {
    std::string_view first, then; // globs over tunables; what matches `first` never counts as `then`
    std::string_view except;      // what matches this glob is not `then` either; "" = no exception
    When when;
    std::string_view why; // with the kernel file where the kernel itself insists
};

std::span<const Constraint> constraints();

// The same changes in a safe order; what no constraint binds stands in the order of its text form. The result depends
// on the set of changes only, not on the order they came in.
std::vector<Change> ordered(std::vector<Change> changes);

// The way back: each change inverted, newest first. Safe for the same reasons: what had to rise first falls
// last.
std::vector<Change> way_back(const std::vector<Change>& changes);

} // namespace netwright::plan
