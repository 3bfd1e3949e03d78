// SPDX-License-Identifier: GPL-2.0-or-later
// Announcing VIPs through BIRD: a file that its configuration includes, and its control socket.
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

} // namespace netwright::dataplane
