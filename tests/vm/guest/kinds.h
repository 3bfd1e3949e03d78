// SPDX-License-Identifier: GPL-2.0-or-later
// One row a kind of tunable, or a driver's way with it: what to set, and what another program shows then.
#pragma once

#include <string>
#include <vector>

namespace guest {

struct Row {
    std::string tunable, value; // value as netwright writes it
    std::string command;        // prints what the kernel has, independently of us
    std::string expected;       // its output once the value is set
};

const std::vector<Row>& rows();      // in every run, all in one transaction
const std::vector<Row>& more_rows(); // one by one, in the long run

} // namespace guest
