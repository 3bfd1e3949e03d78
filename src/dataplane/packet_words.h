// SPDX-License-Identifier: GPL-2.0-or-later
// The words in which policies name what stands in a packet's headers.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace netwright::dataplane {

// A range with both ends. Ports, lengths in bytes, TTLs, ICMP types.
struct Range {
    std::uint32_t first = 0, last = 0;
    bool operator==(const Range&) const = default;
};

// "80", "1000-2000", "512-", "-64"
Result<Range> parse_range(std::string_view text, std::uint32_t most);

// "tcp", "icmpv6", or the number.
Result<std::uint8_t> parse_protocol(std::string_view text);

// "ef", "af41", "cs5", "le", "default", or the number from 0 to 63 (RFC 2474 and its followers).
Result<std::uint8_t> parse_dscp(std::string_view text);
std::string dscp_text(std::uint8_t dscp);

} // namespace netwright::dataplane
