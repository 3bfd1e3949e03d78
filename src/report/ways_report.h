// SPDX-License-Identifier: GPL-2.0-or-later
// What was measured of the ways through this host, for people and for machines.
#pragma once

#include "model/ways.h"
#include "report/terminal.h"

#include <span>
#include <string>
#include <vector>

namespace netwright::report {

// A way's runs with what was made of them.
struct WayRow {
    WayFigures figures;
    double rate = 0, lowest = 0, highest = 0, cpu = 0, lost = 0;
    std::optional<double> rate_ratio, cpu_ratio; // to the kernel's stack at the same task; nothing: cannot be told
};
struct WayChoice {
    WayTask task = WayTask::Drop;
    std::optional<Way> way;
    std::string reason;
};
struct WayCost {
    Way way = Way::Stack;
    std::span<const std::string_view> taken;
};
struct WaysPage {
    WaySetting setting;
    std::optional<double> wanted;
    std::vector<WayRow> rows;
    std::vector<WayCost> costs;
    std::vector<WayChoice> choices;
};

std::string ways_text(const WaysPage& page, const Style& style);
std::string ways_json(const WaysPage& page); // docs/formats/paths.md

} // namespace netwright::report
