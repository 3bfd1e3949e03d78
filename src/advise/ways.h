// SPDX-License-Identifier: GPL-2.0-or-later
// Which way packets should take: the simplest that keeps up with the rate that is wanted.
#pragma once

#include "model/ways.h"

#include <span>

namespace netwright::advise {

// The middle of a way's runs, and what they range over.
struct WaySummary {
    double rate = 0, lowest = 0, highest = 0; // packets a second
    double cpu = 0;                           // seconds a million packets
    double lost = 0;                          // share of what was sent
};
WaySummary summarize(const WayFigures& figures); // all 0 without runs

double rate_of(const WayRun& run);
double cpu_of(const WayRun& run); // seconds a million packets; 0 where none was handled

// How many times that of `base`; nothing where the two ranges overlap: there is not enough data to tell.
std::optional<double> ratio(const WayFigures& figures, const WayFigures& base, double (*quantity)(const WayRun& run));

// Did it keep up with a load of `wanted` packets a second?
enum class WayVerdict {
    Meets,   // in every run all but one of a thousand packets were handled
    Fails,   // in no run
    Unclear, // runs disagree, are fewer than three, or the generator did not reach the rate
    Absent
};
WayVerdict judge_way(const WayFigures& figures, double wanted);

struct WayAdvice {
    std::optional<Way> way;
    std::string reason;
};
WayAdvice recommend_way(std::span<const WayFigures> figures, WayTask task, double wanted);

// What a way takes from the host, in a line each.
std::span<const std::string_view> taken_away(Way way);

} // namespace netwright::advise
