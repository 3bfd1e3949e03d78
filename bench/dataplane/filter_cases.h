// SPDX-License-Identifier: GPL-2.0-or-later
// Policies that are measured.
#pragma once

#include "dataplane/filter_program.h"
#include "dataplane/plain.h"

#include <cstdint>
#include <vector>

namespace netwright::dataplane_bench {

inline constexpr std::uint32_t listed = 100'000;        // entries of a list
inline constexpr std::uint32_t inside = 1, outside = 2; // first bits of sources that are in the lists, or not

std::vector<std::uint32_t> listed_sources();
// Around the same sources: a third of them each /32, /28 and /24.
std::vector<Network> listed_networks();

Result<dataplane::FilterProgram> load_policy(const dataplane::FilterPolicy& policy);
dataplane::FilterPolicy blocking(const std::vector<Network>& networks);

} // namespace netwright::dataplane_bench
