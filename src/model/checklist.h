// SPDX-License-Identifier: GPL-2.0-or-later
// The ten steps of a careful tuning campaign, each marked from what a host and its journal really hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace netwright {

enum class Mark { Done, Partly, Open, NotNeeded, Unknown };
std::string_view to_text(Mark mark); // "done", "partly", "open", "not needed", "unknown"

struct ChecklistStep {
    std::string name, question; // "way back", "Can every change be undone?"
    Mark mark = Mark::Unknown;
    std::vector<std::string> seen; // what the mark rests on
    std::string next;              // what to do; "" when done
};

} // namespace netwright
