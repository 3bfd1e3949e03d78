// SPDX-License-Identifier: GPL-2.0-or-later
// Which connections a per-socket program is for: addresses and ports.
#pragma once

#include "dataplane/packet_words.h"
#include "dataplane/prefix.h"
#include "dataplane/socket_layout.h"

#include <algorithm>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct SocketMatch {
    std::vector<Prefix> prefixes; // none: any
    std::vector<Range> ports;
};
// Rejected: more than the program holds.
Result<void> fits(const SocketMatch& match);
std::string to_text(const SocketMatch& match); // "10.0.0.0/8, port 80", "any address, any port"

socket_prefix to_row(const Prefix& prefix);

// Into a program's constants (socket_match.bpf.h).
template <class Constants>
void put_match(Constants& constants, const SocketMatch& match)
{
    constants.prefix_count = static_cast<std::uint32_t>(match.prefixes.size());
    constants.range_count = static_cast<std::uint32_t>(match.ports.size());
    std::ranges::transform(match.prefixes, constants.prefixes, to_row);
    std::ranges::transform(match.ports, constants.ranges,
                           [](const Range& range) { return socket_range{range.first, range.last}; });
}

} // namespace netwright::dataplane
