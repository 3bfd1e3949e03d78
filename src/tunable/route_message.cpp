// SPDX-License-Identifier: GPL-2.0-or-later
// Routes from RTM_GETROUTE and back into RTM_NEWROUTE.
#include "tunable/route_message.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace netwright::tunable {
namespace {

using Payload = std::span<const std::byte>;

// What the kernel takes back as it gave it (rtm_ipv4_policy in net/ipv4/fib_frontend.c, rtm_ipv6_policy in
// net/ipv6/route.c). Of a route with a next hop object the hops themselves are only shown, not taken.
constexpr std::array<std::uint16_t, 13> returned{RTA_DST,        RTA_OIF,   RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC,
                                                 RTA_MULTIPATH,  RTA_FLOW,  RTA_TABLE,   RTA_VIA,      RTA_PREF,
                                                 RTA_ENCAP_TYPE, RTA_ENCAP, RTA_NH_ID};
constexpr std::array<std::uint16_t, 4> hops{RTA_OIF, RTA_GATEWAY, RTA_VIA, RTA_MULTIPATH};
constexpr unsigned settable_flags = RTNH_F_ONLINK | RTNH_F_PERVASIVE; // the others tell of the state

std::vector<std::byte> copy_of(Payload payload) { return {payload.begin(), payload.end()}; }

void read_metrics(RouteMessage& route, Payload nest)
{
    kernel::each_attribute(nest, [&](std::uint16_t type, Payload payload) { route.metrics[type] = copy_of(payload); });
}

void read_attribute(RouteMessage& route, std::uint16_t type, Payload payload)
{
    switch (type) {
    case RTA_METRICS:
        read_metrics(route, payload);
        return;
    case RTA_TABLE:
        route.table = kernel::as_u32(payload);
        break;
    case RTA_PRIORITY:
        route.priority = kernel::as_u32(payload);
        break;
    case RTA_OIF:
        route.interface = kernel::as_u32(payload);
        break;
    case RTA_CACHEINFO:
        route.expires = kernel::as_structure<rta_cacheinfo>(payload).rta_expires != 0;
        break;
    default:
        break;
    }
    route.attributes[type] = copy_of(payload);
}

bool is_internet(unsigned family) { return family == AF_INET || family == AF_INET6; }

// The state of each hop stands among its flags, and is refused when it is given back.
std::vector<std::byte> without_state(std::vector<std::byte> list)
{
    std::size_t place = 0;
    while (place + sizeof(rtnexthop) <= list.size()) {
        auto hop = kernel::as_structure<rtnexthop>(Payload(list).subspan(place));
        if (hop.rtnh_len < sizeof hop) break;
        hop.rtnh_flags &= settable_flags;
        std::memcpy(list.data() + place, &hop, sizeof hop);
        place += RTNH_ALIGN(hop.rtnh_len);
    }
    return list;
}

// What a route may carry without our giving it back: what the kernel tells, and does not keep.
bool only_told(std::uint16_t type) { return type == RTA_CACHEINFO || type == RTA_UID || type == RTA_MARK; }

Result<void> put_attributes(kernel::Request& request, const RouteMessage& route)
{
    const bool by_object = route.attributes.contains(RTA_NH_ID);
    for (const auto& [type, payload] : route.attributes) {
        if (only_told(type) || (by_object && std::ranges::find(hops, type) != hops.end())) continue;
        if (std::ranges::find(returned, type) == returned.end())
            return fail(Error::Kind::Unsupported,
                        fmt::format("the route to {} carries attribute {}, which netwright could not put back",
                                    to_text(route.destination), type));
        request.put(type, type == RTA_MULTIPATH ? without_state(payload) : payload);
    }
    return {};
}

} // namespace

std::optional<RouteMessage> parse_route_message(const nlmsghdr& message)
{
    const auto head = kernel::fixed_part<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || !head || !is_internet(head->rtm_family)) return std::nullopt;
    RouteMessage route;
    route.head = *head;
    route.table = head->rtm_table;
    kernel::each_attribute(message, sizeof *head,
                           [&](auto type, Payload payload) { read_attribute(route, type, payload); });
    route.destination.is_ipv6 = head->rtm_family == AF_INET6;
    const auto target = route.attributes.find(RTA_DST);
    if (target == route.attributes.end()) return head->rtm_dst_len == 0 ? std::optional(route) : std::nullopt;
    const auto prefix = ip_prefix_of(target->second, head->rtm_dst_len);
    if (!prefix || prefix->is_ipv6 != route.destination.is_ipv6) return std::nullopt;
    route.destination = *prefix;
    return route;
}

Result<kernel::Request> replace_request(const RouteMessage& route)
{
    if (route.head.rtm_protocol == RTPROT_RA || route.expires)
        return fail(Error::Kind::Unsupported,
                    fmt::format("the route to {} comes from router advertisements: the kernel renews it, and would not "
                                "know it again",
                                to_text(route.destination)));
    kernel::Request request(RTM_NEWROUTE, NLM_F_ACK | NLM_F_REPLACE);
    rtmsg head = route.head;
    head.rtm_flags &= settable_flags;
    request.header(head);
    TRY_VOID(put_attributes(request, route));
    if (route.metrics.empty()) return request;
    const std::size_t nest = request.begin(RTA_METRICS);
    for (const auto& [type, payload] : route.metrics)
        request.put(type, payload);
    request.end(nest);
    return request;
}

Result<std::vector<RouteMessage>> routes_in(kernel::Netlink& netlink, bool ipv6, std::uint32_t table)
{
    kernel::Request question(RTM_GETROUTE, NLM_F_DUMP);
    rtmsg head{};
    head.rtm_family = ipv6 ? AF_INET6 : AF_INET;
    head.rtm_table = static_cast<unsigned char>(table < 256 ? table : RT_TABLE_UNSPEC);
    question.header(head).put_u32(RTA_TABLE, table);
    std::vector<RouteMessage> routes;
    auto asked = netlink.ask_whole(
        NETLINK_ROUTE, question,
        [&](const nlmsghdr& message) {
            auto route = parse_route_message(message);
            const bool ours = route && route->destination.is_ipv6 == ipv6 && route->table == table;
            if (ours && (route->head.rtm_flags & RTM_F_CLONED) == 0) routes.push_back(*std::move(route));
        },
        [&] { routes.clear(); });
    if (!asked && asked.error().kind != Error::Kind::Absent) return std::unexpected(std::move(asked).error());
    return routes; // a table that does not exist holds none
}

} // namespace netwright::tunable
