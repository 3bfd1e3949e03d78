// SPDX-License-Identifier: GPL-2.0-or-later
// Receive-side scaling in the words people use for it, as ethtool(8) has them: table, key, function, hashed fields.
#pragma once

#include "model/tunable.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

// "equal 4" (queues 0 to 3 in turn), "weight 6 2" (as ethtool -X shares them out), or the table itself.
// The value of a table: "equal N" where it is just that, else the list.
Value indirection_value(const std::vector<std::uint32_t>& table);
// The table of `size` entries that a value means. Rejected: another size, no queue, or words that mean none.
Result<std::vector<std::uint32_t>> expand_indirection(const Value& value, std::size_t size);
// The value that people's text means, its form only. Malformed.
Result<Value> parse_indirection(std::string_view text);
std::uint32_t most_queue_named(const Value& value); // the highest queue a value sends to

std::string rss_key_text(std::span<const std::byte> key); // "6d:5a:…"
Result<std::vector<std::uint8_t>> parse_rss_key(std::string_view text);

std::string rss_function_name(std::uint32_t function_bits); // "toeplitz", "xor", "crc32"; "" if none or unknown
Result<std::uint32_t> parse_rss_function(std::string_view name);

// What a flow is told apart by: m (MAC), v (VLAN), t (protocol), s, d (addresses), f, n (ports), r (discard).
std::string hash_field_letters(std::uint64_t rxh_bits);
Result<std::uint64_t> parse_hash_fields(std::string_view letters);

struct HashedFlow {
    std::string_view name; // "tcp4"
    std::uint32_t type;    // TCP_V4_FLOW
};
std::span<const HashedFlow> hashed_flows();

} // namespace netwright
