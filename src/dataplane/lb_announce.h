// SPDX-License-Identifier: GPL-2.0-or-later
// Announcing VIPs through BIRD: a file that its configuration includes, and its control socket; or through FRR's bgpd,
// by the socket over which vtysh configures it.
#pragma once

#include "dataplane/lb_health.h"

#include <string>
#include <vector>

namespace netwright::dataplane {

// Addresses of which some VIP is healthy, in order. One whose VIPs all have no backend that is up is better reached at
// another balancer.
std::vector<Prefix> healthy_addresses(const LbConfig& config, const LbHealths& healths);

// Two static protocols, netwright_lb4 and netwright_lb6, for BIRD 2: the BGP protocol of its owner exports them.
std::string bird_config(const std::vector<Prefix>& addresses);

// Replaces the file in one step, and has BIRD read its configuration again. Rejected: BIRD does not take it, in its own
// words.
Result<void> announce(const LbAnnounce& where, const std::string& text);

// What bgpd is told, line by line. Those that are `gone` and were not there are no mistake.
std::vector<std::string> frr_commands(std::uint32_t as, const std::vector<Prefix>& healthy,
                                      const std::vector<Prefix>& gone);
// bgpd forgets it when it is started again: it is told again from time to time. Rejected: bgpd does not take it, in its
// own words.
Result<void> announce_by_frr(const LbAnnounce& where, const std::vector<Prefix>& healthy,
                             const std::vector<Prefix>& gone);

} // namespace netwright::dataplane
