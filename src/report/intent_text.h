// SPDX-License-Identifier: GPL-2.0-or-later
// What the host is for, in one line an answer, and where each answer came from.
#pragma once

#include "model/intent.h"

#include <string>
#include <vector>

namespace netwright::report {

struct IntentLine {
    std::string name, value; // "RTT", "38 ms"
    bool given = false;      // a person said so
    std::string reason;      // "--rtt"; "90th percentile over 412 established connections"
};

// Every answer there is, the workload first.
std::vector<IntentLine> intent_lines(const Intent& intent);

// "web-server (--workload), 10 Gbit/s (--bandwidth), RTT 38 ms (inferred: 90th percentile over 412 connections)"
std::string intent_sentence(const Intent& intent);

} // namespace netwright::report
