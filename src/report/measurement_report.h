// SPDX-License-Identifier: GPL-2.0-or-later
// Measurements for people, programs and spreadsheets.
#pragma once

#include "model/measurement.h"
#include "report/terminal.h"

#include <string>

namespace netwright::report {

std::string measurement_text(const Measurement& measurement, const Style& style);
// "metric,unit,value" and a line for each metric.
std::string measurement_csv(const Measurement& measurement);
// A page that needs nothing else, with the distributions drawn.
std::string measurement_html(const Measurement& measurement);

// "19.1 Gbit/s", "68 us", "0.31 %": a metric's value as people write it.
std::string metric_text(std::string_view unit, double value);

} // namespace netwright::report
