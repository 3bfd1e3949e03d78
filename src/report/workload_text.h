// SPDX-License-Identifier: GPL-2.0-or-later
// What each workload means: inputs, settings by formula, what other rules size, what people do, what to leave alone.
#pragma once

#include "report/terminal.h"

#include <span>
#include <string>
#include <vector>

namespace netwright::report {

struct GuideLine {
    std::string what, how, rule; // "net.ipv4.tcp_retries2", "at most 8: about 100 s", "workload-setting"
};
struct WorkloadGuide {
    std::string name, sentence;
    std::vector<GuideLine> settings;
    std::vector<std::string> advice, leave_alone;
};

std::string workloads_text(std::span<const WorkloadGuide> guides, const Style& style);

} // namespace netwright::report
