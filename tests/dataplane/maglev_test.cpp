// SPDX-License-Identifier: GPL-2.0-or-later
// What a Maglev table promises, on many seeded sets of backends.
#include "dataplane/maglev.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace netwright::dataplane;

namespace {

using Backends = std::vector<MaglevBackend>;

Backends some(std::size_t count, std::uint32_t heaviest, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    Backends backends(count);
    for (MaglevBackend& backend : backends)
        backend = {random(), static_cast<std::uint32_t>(1 + random() % heaviest)};
    return backends;
}

std::vector<std::uint32_t> counted(const std::vector<std::uint16_t>& table, std::size_t backends)
{
    std::vector<std::uint32_t> slots(backends);
    for (const std::uint16_t backend : table) {
        REQUIRE(backend < backends);
        ++slots[backend];
    }
    return slots;
}

// Slots that change hands although their owner stays.
std::size_t moved_beside(const Backends& backends, std::size_t gone)
{
    const auto before = maglev_table(backends);
    Backends rest = backends;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(gone));
    const auto after = maglev_table(rest);
    std::size_t moved = 0;
    for (std::size_t slot = 0; slot < before.size(); ++slot)
        if (before[slot] != gone && before[slot] - (before[slot] > gone ? 1 : 0) != after[slot]) ++moved;
    return moved;
}

} // namespace

TEST_CASE("equal weights: slots per backend differ by at most one")
{
    for (const std::size_t count : {1U, 2U, 3U, 7U, 64U, 1000U, 4096U}) {
        const auto slots = counted(maglev_table(some(count, 1, count)), count);
        const auto [least, most] = std::ranges::minmax(slots);
        CAPTURE(count);
        CHECK(most - least <= 1);
    }
}

TEST_CASE("a share is its weight's to less than one slot, and so to 0.1 % where it has a thousand")
{
    for (const std::size_t count : {2U, 5U, 30U, 300U, 1000U}) {
        const Backends backends = some(count, 1000, count);
        const auto slots = counted(maglev_table(backends), count);
        double total = 0;
        for (const MaglevBackend& backend : backends)
            total += backend.weight;
        for (std::size_t i = 0; i < count; ++i) {
            const double exact = maglev_slots * backends[i].weight / total;
            CHECK(std::abs(slots[i] - exact) < 1);
            if (exact >= 1000) CHECK(std::abs(slots[i] - exact) / exact < 0.001);
        }
    }
}

TEST_CASE("a backend that goes moves at most 1 % of the slots of others")
{
    for (const std::size_t count : {2U, 3U, 10U, 64U, 300U, 1000U})
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            CAPTURE(count);
            CAPTURE(seed);
            CHECK(moved_beside(some(count, 1, seed), seed % count) <= maglev_slots / 100);
        }
}

TEST_CASE("with weights up to a hundred it moves at most 1.5 %")
{
    for (const std::size_t count : {3U, 10U, 64U, 300U, 1000U})
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            CAPTURE(count);
            CAPTURE(seed);
            CHECK(moved_beside(some(count, 100, seed), seed % count) <= maglev_slots * 3 / 200);
        }
}

TEST_CASE("the order in which backends are named changes nothing")
{
    Backends backends = some(50, 10, 1);
    const auto table = maglev_table(backends);
    std::ranges::reverse(backends);
    const auto reversed = maglev_table(backends);
    for (std::size_t slot = 0; slot < table.size(); ++slot)
        REQUIRE(table[slot] == 49 - reversed[slot]);
}

TEST_CASE("weight 0 gets no slot, and no weight at all leaves the table empty")
{
    Backends backends = some(3, 1, 1);
    backends[1].weight = 0;
    CHECK(counted(maglev_table(backends), 3)[1] == 0);
    for (MaglevBackend& backend : backends)
        backend.weight = 0;
    CHECK(std::ranges::count(maglev_table(backends), no_backend) == maglev_slots);
    CHECK(std::ranges::count(maglev_table({}), no_backend) == maglev_slots);
}

TEST_CASE("small tables keep the promise too")
{
    for (const std::uint32_t slots : {2U, 3U, 7U, 251U}) {
        const auto table = maglev_table(some(2, 1, slots), slots);
        CHECK(std::abs(std::ranges::count(table, 0) - std::ranges::count(table, 1)) <= 1);
    }
}
