// SPDX-License-Identifier: GPL-2.0-or-later
// Counters in words: where a person can read one, and how much it grew.
#pragma once

#include "model/counter.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace netwright {

std::string grouped(std::uint64_t number); // 41203 → "41,203"
// "27 in 10 s (41,203 since boot)"; "41,203 since boot" when only one sample was taken.
std::string amount(const Counter& counter, std::chrono::milliseconds interval);
// The file and field of a protocol counter by the snapshot's name: "/proc/net/netstat TcpExt.ListenOverflows".
std::string counter_source(std::string_view name);

} // namespace netwright
