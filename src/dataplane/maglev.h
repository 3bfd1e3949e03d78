// SPDX-License-Identifier: GPL-2.0-or-later
// Maglev hashing (Eisenbud et al., NSDI 2016): a table that gives each backend its share of slots, the same on every
// host that knows the same backends, and that changes little when one of them comes or goes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace netwright::dataplane {

struct MaglevBackend {
    std::uint64_t identity = 0; // what places it; no two are the same
    std::uint32_t weight = 1;   // 0: it gets no slots
};

constexpr std::uint32_t maglev_slots = 65537;
constexpr std::uint16_t no_backend = 0xffff;

// For each slot the position of its backend in `backends`, whatever their order; no_backend where all weigh 0. A
// backend's share is weight / sum of weights, rounded up or down to whole slots. `slots` is a prime.
std::vector<std::uint16_t> maglev_table(std::span<const MaglevBackend> backends, std::uint32_t slots = maglev_slots);

// A number for the bytes of an address: the same on every host.
std::uint64_t maglev_identity(std::span<const std::uint8_t> bytes);

} // namespace netwright::dataplane
