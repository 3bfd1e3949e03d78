// SPDX-License-Identifier: GPL-2.0-or-later
// What apply, confirm or rollback did to each place, one block a change.
#pragma once

#include "model/change.h"
#include "report/terminal.h"

#include <span>
#include <string>

namespace netwright::report {

struct ChangeLine {
    enum class Mood { Good, Warning, Bad };
    std::string tunable, from, to; // text forms; "" = absent
    std::string outcome;           // "done", "refused by the kernel: …", "changed by somebody else to 5"
    Mood mood = Mood::Good;
};

// "sysctl/net.core.somaxconn: 128 → 4096"
std::string change_words(const Change& change);

std::string changes_text(std::span<const ChangeLine> changes, const Style& style);

} // namespace netwright::report
