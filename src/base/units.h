// SPDX-License-Identifier: GPL-2.0-or-later
// Quantities that carry their unit: bytes, bits per second, and the words people write them in.
#pragma once

#include "base/error.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace netwright {

// An amount of memory or data, in bytes.
struct Bytes {
    std::uint64_t count = 0;
    auto operator<=>(const Bytes&) const = default;
};

// A data rate, in bits per second (decimal prefixes, as links are sold: 10Gbit = 10^10 bit/s).
struct BitRate {
    std::uint64_t bits_per_second = 0;
    auto operator<=>(const BitRate&) const = default;
};

using Nanoseconds = std::chrono::nanoseconds;

inline namespace literals {
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes{n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes{n << 20}; }
constexpr BitRate operator""_Gbit(unsigned long long n) { return BitRate{n * 1'000'000'000}; }
constexpr BitRate operator""_Mbit(unsigned long long n) { return BitRate{n * 1'000'000}; }
} // namespace literals

// "62.5 MB (59.6 MiB)": both worlds, because people mix them up.
std::string to_text(Bytes bytes);
// "10 Gbit/s"
std::string to_text(BitRate rate);
// "50 ms", "1.5 s", "80 us"
std::string duration_text(Nanoseconds duration);

// "10Gbit", "2.5Gbit/s", "100Mbps" (b = bit, as on network gear; tc(8) means bytes by it). Refuses 0, negatives,
// unknown units, and a bare number: "10" is ten gigabits to one reader and ten bits to another.
Result<BitRate> parse_bit_rate(std::string_view text);
// "50ms", "1.5s", "200us", "80ns", "2m", "1h". A bare number is refused: the unit must be said.
Result<Nanoseconds> parse_duration(std::string_view text);
// "64K" and "64KiB" are 65536, "64kB" is 64000, "4096" is bytes.
Result<Bytes> parse_bytes(std::string_view text);

// Bandwidth-delay product: the bytes in flight that keep a path full. Saturates instead of overflowing.
Bytes bandwidth_delay_product(BitRate bandwidth, Nanoseconds rtt);

} // namespace netwright
