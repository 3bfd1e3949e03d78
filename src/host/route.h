// SPDX-License-Identifier: GPL-2.0-or-later
// The parsers behind collect_routes and collect_rules.
#pragma once

#include "host/interface_names.h"
#include "model/network.h"

#include <optional>

namespace netwright::host {

// One RTM_NEWROUTE message; nothing if it is another message, of another family than IPv4 and IPv6, a cached route, or
// one that the kernel makes for each address (local, broadcast, anycast, multicast).
std::optional<Route> parse_route(const nlmsghdr& message, const NameOf& name_of);
// One RTM_NEWRULE message of IPv4 or IPv6.
std::optional<RoutingRule> parse_rule(const nlmsghdr& message);

// Keeps the routes of one family as they arrive: the first `limit`, and default routes beyond.
class RouteKeeper {
public:
    static constexpr std::size_t limit = 10'000; // a full Internet table is a million routes, 300 MB as values
    void add(Route route);
    // What was kept. If routes were left out, the last entry has the type "others" and counts them in next_hops.
    std::vector<Route> take();
    void clear() { *this = {}; }

private:
    std::vector<Route> routes_;
    std::uint32_t left_out_ = 0;
    std::string family_;
};

} // namespace netwright::host
