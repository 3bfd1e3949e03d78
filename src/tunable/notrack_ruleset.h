// SPDX-License-Identifier: GPL-2.0-or-later
// Connection tracking and a port: what of a host's rules would stop working if the port were not tracked.
#pragma once

#include "model/tunable.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::tunable {

// Each a sentence that names the rule; `ruleset` is what `nft list ruleset` prints. Rules of iptables-legacy are not in
// it.
std::vector<std::string> notrack_conflicts(std::string_view ruleset, const NotrackPort& port);

} // namespace netwright::tunable
