// SPDX-License-Identifier: GPL-2.0-or-later
// A configuration's VIPs in words, and what is doubtful about it.
#include "dataplane/lb_config.h"

#include "dataplane/maglev.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace netwright::dataplane {
namespace {

bool used(const LbConfig& config, std::size_t pool)
{
    return std::ranges::any_of(config.vips, [&](const LbVip& vip) { return vip.pool == pool; });
}

} // namespace

std::string to_text(const LbVip& vip)
{
    const std::string host = vip.address.ipv6 ? fmt::format("[{}]", to_text(vip.address)) : to_text(vip.address);
    return fmt::format("{}:{}/{}", host, vip.port, vip.protocol == 6 ? "tcp" : "udp");
}

std::vector<std::string> doubts(const LbConfig& config)
{
    std::vector<std::string> found;
    for (std::size_t i = 0; i < config.pools.size(); ++i) {
        const LbPool& pool = config.pools[i];
        const auto total = std::accumulate(pool.backends.begin(), pool.backends.end(), std::uint64_t{0},
                                           [](std::uint64_t sum, const LbBackend& b) { return sum + b.weight; });
        if (!used(config, i)) found.push_back(fmt::format("no VIP uses pool '{}'", pool.name));
        const bool by_id = std::ranges::any_of(
            config.vips, [&](const LbVip& vip) { return vip.pool == i && vip.affinity == LbVip::Affinity::Quic; });
        const auto nameless = std::ranges::count_if(pool.backends, [](const LbBackend& b) { return !b.quic_id; });
        if (by_id && nameless > 0)
            found.push_back(
                fmt::format("{} of the {} backends of pool '{}' have no quic_id: connections of theirs break "
                            "when the client's address changes",
                            nameless, pool.backends.size(), pool.name));
        if (total == 0)
            found.push_back(fmt::format("all backends of pool '{}' drain: new connections are dropped", pool.name));
        // Less than half a slot may be rounded to none.
        for (const LbBackend& backend : pool.backends)
            if (backend.weight > 0 && 2 * std::uint64_t{backend.weight} * maglev_slots < total)
                found.push_back(fmt::format("backend {} of pool '{}' weighs too little beside the others: it may get "
                                            "no connections",
                                            to_text(backend.address), pool.name));
    }
    return found;
}

} // namespace netwright::dataplane
