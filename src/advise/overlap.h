// SPDX-License-Identifier: GPL-2.0-or-later
// Where two rules speak of one fact: the finding that knows more stays, and takes over what the other had seen.
#pragma once

#include "model/finding.h"

#include <span>
#include <string_view>
#include <vector>

namespace netwright::advise {

// What the two findings must share besides their rules.
enum class Shared {
    Nothing, // the rules say the same of the whole host
    Subject, // the listener, key or interface they are about
    Change   // the stronger one's changes do all that the weaker one asks for
};
struct Overlap {
    std::string_view stronger, weaker; // rule ids
    Shared shared;
};
std::span<const Overlap> overlaps();

// Leaves out every weaker finding beside its stronger one. That one then is as severe as the worse of both and holds
// the evidence of both.
void join_overlapping(std::vector<Finding>& findings);

} // namespace netwright::advise
