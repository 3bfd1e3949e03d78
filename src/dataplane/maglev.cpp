// SPDX-License-Identifier: GPL-2.0-or-later
// Maglev tables with exact shares: each backend's slots are counted out first, then the backends take turns.
#include "dataplane/maglev.h"

#include <algorithm>
#include <numeric>

namespace netwright::dataplane {
namespace {

std::uint64_t mixed(std::uint64_t value) // MurmurHash3's finalizer, as in filter.bpf.c
{
    value = (value ^ value >> 33) * 0xff51afd7ed558ccd;
    value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53;
    return value ^ value >> 33;
}

// Whole slots by largest remainder. Equal remainders are told apart by identity, so that most of those who get one
// more keep it when another backend comes or goes.
std::vector<std::uint32_t> shares(std::span<const MaglevBackend> backends, std::uint64_t total, std::uint32_t slots)
{
    std::vector<std::uint32_t> share(backends.size());
    std::vector<std::size_t> order(backends.size());
    std::vector<std::uint64_t> remainder(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
        const std::uint64_t exact = std::uint64_t{slots} * backends[i].weight;
        share[i] = static_cast<std::uint32_t>(exact / total);
        remainder[i] = exact % total;
    }
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        if (remainder[a] != remainder[b]) return remainder[a] > remainder[b];
        return mixed(backends[a].identity) < mixed(backends[b].identity);
    });
    std::uint32_t left = slots - std::accumulate(share.begin(), share.end(), std::uint32_t{0});
    for (std::size_t i = 0; left > 0; ++i, --left)
        ++share[order[i]];
    return share;
}

// A backend's own order of all slots: every `skip`th from `next` on, which visits each once as their number is prime.
struct Preference {
    std::uint32_t next, skip;
    Preference(std::uint64_t identity, std::uint32_t slots)
        : next(static_cast<std::uint32_t>(mixed(identity) % slots)),
          skip(static_cast<std::uint32_t>(mixed(~identity) % (slots - 1) + 1))
    {
    }
    std::uint32_t take(std::uint32_t slots)
    {
        const std::uint32_t slot = next;
        next += skip;
        if (next >= slots) next -= slots;
        return slot;
    }
};

// A backend of weight w takes its k-th slot at time k / w, which depends on no other backend.
struct Turn {
    std::uint64_t time, identity;
    std::uint16_t backend;
};

std::vector<Turn> turns(std::span<const MaglevBackend> backends, std::span<const std::uint32_t> share)
{
    std::vector<Turn> all;
    for (std::size_t i = 0; i < backends.size(); ++i)
        for (std::uint64_t k = 1; k <= share[i]; ++k)
            all.push_back({(k << 32) / backends[i].weight, backends[i].identity, static_cast<std::uint16_t>(i)});
    std::ranges::sort(
        all, [](const Turn& a, const Turn& b) { return a.time != b.time ? a.time < b.time : a.identity < b.identity; });
    return all;
}

} // namespace

std::vector<std::uint16_t> maglev_table(std::span<const MaglevBackend> backends, std::uint32_t slots)
{
    std::vector<std::uint16_t> table(slots, no_backend);
    std::uint64_t total = 0;
    std::vector<Preference> preferences;
    for (const MaglevBackend& backend : backends) {
        total += backend.weight;
        preferences.emplace_back(backend.identity, slots);
    }
    if (total == 0) return table;
    for (const Turn& turn : turns(backends, shares(backends, total, slots))) {
        std::uint32_t slot = preferences[turn.backend].take(slots);
        while (table[slot] != no_backend)
            slot = preferences[turn.backend].take(slots);
        table[slot] = turn.backend;
    }
    return table;
}

std::uint64_t maglev_identity(std::span<const std::uint8_t> bytes)
{
    std::uint64_t identity = 0xcbf29ce484222325; // FNV-1a, mixed at the end
    for (const std::uint8_t byte : bytes)
        identity = (identity ^ byte) * 0x100000001b3;
    return mixed(identity);
}

} // namespace netwright::dataplane
