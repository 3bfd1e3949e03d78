// SPDX-License-Identifier: GPL-2.0-or-later
// What the network work of hosts costs, and what a measured improvement is worth. Every figure is a range with its
// formula: what goes in is known to a few percent at best.
#pragma once

#include "base/error.h"
#include "model/cost.h"
#include "model/snapshot.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::plan {

// "12", "10-14", "1e6". Malformed: something else, negative, or the wrong way round.
Result<Range> parse_range(std::string_view text);

// What a capture tells of a host's work between its two samples.
struct Work {
    Range network_share;  // of all CPU time: softirq and irq at least, with all system time at most
    double busy_cpus = 0; // CPUs' worth of time that was not idle
    double cpus = 0;      // online
    double bits = 0;      // received and sent a second over physical interfaces, or all but loopback
    double packets = 0;   // the same
};
// Absent: the capture has one sample only, or no CPU times.
Result<Work> work_of(const Snapshot& capture);

struct CostInputs {
    std::optional<Work> before, after;              // from captures
    std::optional<Range> share_before, share_after; // of CPU time in network code, 0 to 1, where no capture tells
    std::optional<Range> load;                      // units of work a second, over all instances
    std::string unit = "requests/s";
    std::optional<Range> capacity_before, capacity_after; // of one instance, same unit
    std::optional<Range> instances;                       // today's number, where load and capacity are not known
    std::optional<Range> price;                           // of one instance an hour
    std::optional<double> cores;                          // of one instance
    std::optional<Range> core_price;                      // an hour
    std::optional<Range> hours;                           // of engineering
    std::optional<Range> rate;                            // an hour of it
    double utilisation = 1;                               // share of the capacity that may be used
    std::string currency = "USD";
};

CostReport cost_report(const CostInputs& inputs);

} // namespace netwright::plan
