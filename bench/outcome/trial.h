// SPDX-License-Identifier: GPL-2.0-or-later
// One run of a scenario with a configuration, in a lab that is made for it, so that no run leaves anything to the next
// (route caches remember the windows of earlier connections); and netwright's own plan for a scenario.
#pragma once

#include "lab/emulator.h"
#include "model/measurement.h"

#include <optional>
#include <string>
#include <vector>

#include "outcome/configuration.h"
#include "outcome/scenario.h"

namespace netwright::outcome {

struct Trial {
    std::optional<double> value;       // of the scenario's metric; nothing: nothing came through
    std::optional<Metric> metric;      // its unit and direction; its own value is that of this run
    std::string disturbed;             // why this run does not count; "": it counts
    std::vector<std::string> left_out; // what the namespaces do not have
    std::string congestion;            // asked for by socket option, where no namespace may default to it; "": none
};

// `defaults` are applied first. Interrupted: the lab or the traffic broke.
Result<Trial> run_trial(const Scenario& scenario, const Configuration& defaults, const Configuration& configuration);

// What netwright plans at either end for the scenario's intent, seen while the defaults carry the scenario's work.
Result<Configuration> plan_for(const Scenario& scenario, const Configuration& defaults);

// Why a run in which the emulator was like this does not count; "": it does. Pure.
std::string disturbance(const lab::EmulatorReport& emulator, Nanoseconds late);

} // namespace netwright::outcome
