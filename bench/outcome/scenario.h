// SPDX-License-Identifier: GPL-2.0-or-later
// What the outcome benchmark measures: a path, what the host is for, the work, and the metric that counts.
#pragma once

#include "lab/path.h"
#include "model/intent.h"
#include "model/traffic.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::outcome {

// Connections that come all at once, to a program that does not accept for a while.
struct Burst {
    std::uint32_t connections = 0;
    Nanoseconds within{0}, pause{0}; // the clients start within this time; the program pauses from their start on
};

struct Scenario {
    std::string name, about;
    lab::PathSettings path;
    Intent intent;
    Traffic traffic;
    std::optional<Burst> burst; // instead of the traffic
    std::string metric;
    bool defaults_hurt = false; // a good plan gains at least half as much again; else nothing may get worse
    bool may_be_stuck = false;  // a run in which nothing comes through is a result
    Nanoseconds late{0};        // a run counts as long as the emulator's lateness stays below this at p99
};

// The name of what a burst is measured by: microseconds from a connection's start to its answer.
inline constexpr std::string_view burst_metric = "answered-p99";

// scenarios.yaml. Malformed or Rejected with file:line:column.
Result<std::vector<Scenario>> scenarios_from_yaml(std::string_view text, std::string_view file);

} // namespace netwright::outcome
