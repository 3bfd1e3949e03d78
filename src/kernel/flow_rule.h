// SPDX-License-Identifier: GPL-2.0-or-later
// Rules that steer a flow to a receive queue (ethtool -N, "ntuple"), between the kernel's structure and words.
#pragma once

#include "base/error.h"

#include <linux/ethtool.h>

#include <string>
#include <string_view>

namespace netwright::kernel {

// "flow-type tcp4 src-ip 10.0.0.0/8 dst-port 80 action 2"; "action drop". Addresses are matched by prefix, ports and
// protocols whole. A rule that says more than these words can is "raw" and the structure in hex, so that it can be put
// back as it was.
std::string flow_rule_text(const ethtool_rx_flow_spec& rule);
// Rejected, naming the word: unknown type or field, a field the type does not have, an address of the other family.
Result<ethtool_rx_flow_spec> parse_flow_rule(std::string_view text);

} // namespace netwright::kernel
