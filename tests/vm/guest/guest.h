// SPDX-License-Identifier: GPL-2.0-or-later
// What scenarios inside the virtual machine share: netwright as people call it, and what other programs show.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/program.h"

namespace guest {

support::Output shell(const std::string& line);
support::Output netwright(const std::string& arguments);

// What a command prints, in one line with single blanks.
std::string shown(const std::string& command);

// Waits for what takes its time; false when it did not come about within half a minute.
bool comes_true(const std::function<bool()>& what);

// Asks the world outside the machine for something: "unplug spare0", "kill".
void ask_outside(std::string_view request);

// Until every far end of a cable has answered a ping: then the neighbours are known.
void meet_neighbours();

// A plan for this host, as a person would write it by hand, at /tmp/plan.yaml. Sysctls last; others only if they say
// how.
struct Step {
    std::string tunable, to;
    std::string persistence = "none";
};
void write_plan(const std::vector<Step>& steps);

} // namespace guest
