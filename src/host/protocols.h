// SPDX-License-Identifier: GPL-2.0-or-later
// The files that hold protocol counters, in the order in which they are read.
#pragma once

#include "host/parse.h"

#include <array>
#include <string_view>
#include <vector>

namespace netwright::host {

struct ProtocolSource {
    std::string_view file; // below /proc/net
    Result<void> (*parse)(std::string_view, std::vector<NamedCounter>&);
    bool required; // else a kernel without that protocol lacks the file: its counters are absent, not 0
};

inline constexpr std::array<ProtocolSource, 6> protocol_sources{{
    {"snmp", parse_paired_counters, true},
    {"netstat", parse_paired_counters, false},
    {"snmp6", parse_listed_counters, false},
    {"tls_stat", parse_listed_counters, false},
    {"xfrm_stat", parse_listed_counters, false},
    {"sctp/snmp", parse_listed_counters, false},
}};

} // namespace netwright::host
