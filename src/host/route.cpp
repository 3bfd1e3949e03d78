// SPDX-License-Identifier: GPL-2.0-or-later
// Routes of all tables, with their metrics, from one RTM_GETROUTE dump a family.
#include "host/route.h"

#include "host/address_text.h"
#include "host/collect.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <iterator>
#include <utility>

namespace netwright::host {
namespace {

using Payload = std::span<const std::byte>;
using kernel::as_text, kernel::as_u32, kernel::each_attribute;

struct Word {
    unsigned number;
    std::string_view word;
};

// include/uapi/linux/rtnetlink.h RTPROT_*, under the names ip(8) gives them.
constexpr std::array protocol_words{
    Word{0, "unspec"},      Word{1, "redirect"}, Word{2, "kernel"}, Word{3, "boot"},   Word{4, "static"},
    Word{8, "gated"},       Word{9, "ra"},       Word{10, "mrt"},   Word{11, "zebra"}, Word{12, "bird"},
    Word{13, "dnrouted"},   Word{14, "xorp"},    Word{15, "ntk"},   Word{16, "dhcp"},  Word{17, "mrouted"},
    Word{18, "keepalived"}, Word{42, "babel"},   Word{186, "bgp"},  Word{187, "isis"}, Word{188, "ospf"},
    Word{189, "rip"},       Word{192, "eigrp"},
};
constexpr std::array type_words{
    Word{RTN_UNICAST, "unicast"},   Word{RTN_BLACKHOLE, "blackhole"}, Word{RTN_UNREACHABLE, "unreachable"},
    Word{RTN_PROHIBIT, "prohibit"}, Word{RTN_THROW, "throw"},         Word{RTN_NAT, "nat"},
    Word{RTN_XRESOLVE, "xresolve"},
};

template <std::size_t size>
std::string word_for(const std::array<Word, size>& words, unsigned number)
{
    for (const Word& word : words)
        if (word.number == number) return std::string(word.word);
    return fmt::format("{}", number);
}

bool is_own_address(unsigned char type)
{
    return type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_ANYCAST || type == RTN_MULTICAST;
}

RouteMetrics parse_metrics(Payload nest)
{
    RouteMetrics metrics;
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        switch (type) {
        case RTAX_MTU:
            metrics.mtu = as_u32(payload);
            break;
        case RTAX_WINDOW:
            metrics.window = as_u32(payload);
            break;
        case RTAX_ADVMSS:
            metrics.advmss = as_u32(payload);
            break;
        case RTAX_HOPLIMIT:
            metrics.hoplimit = as_u32(payload);
            break;
        case RTAX_INITCWND:
            metrics.initcwnd = as_u32(payload);
            break;
        case RTAX_INITRWND:
            metrics.initrwnd = as_u32(payload);
            break;
        case RTAX_RTO_MIN:
            metrics.rto_min_ms = as_u32(payload);
            break;
        case RTAX_QUICKACK:
            metrics.quickack = as_u32(payload);
            break;
        case RTAX_CC_ALGO:
            metrics.congestion_control = as_text(payload);
            break;
        default:
            break;
        }
    });
    return metrics;
}

// struct rtvia: the family of the gateway, then its address.
std::string via_text(Payload payload)
{
    return payload.size() > sizeof(std::uint16_t) ? address_text(payload.subspan(sizeof(std::uint16_t))) : "";
}

void read_hop(Route& route, std::uint16_t type, Payload payload, const NameOf& name_of)
{
    if (type == RTA_GATEWAY) route.gateway = address_text(payload);
    if (type == RTA_VIA) route.gateway = via_text(payload);
    if (type == RTA_OIF) route.nic = name_of(as_u32(payload));
}

// A list of struct rtnexthop, each followed by attributes of its own. A list of one is an ordinary next hop.
void read_next_hops(Route& route, Payload list, const NameOf& name_of)
{
    std::uint32_t count = 0;
    Route only;
    while (list.size() >= sizeof(rtnexthop)) {
        const auto hop = kernel::as_structure<rtnexthop>(list);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > list.size()) break;
        only.nic = name_of(static_cast<std::uint32_t>(hop.rtnh_ifindex));
        each_attribute(list.subspan(sizeof hop, hop.rtnh_len - sizeof hop),
                       [&](std::uint16_t type, Payload payload) { read_hop(only, type, payload, name_of); });
        ++count;
        list = list.subspan(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), list.size()));
    }
    route.next_hops = count;
    if (count != 1) return;
    route.nic = std::move(only.nic);
    route.gateway = std::move(only.gateway);
}

void read_attribute(Route& route, const rtmsg& head, std::uint16_t type, Payload payload, const NameOf& name_of)
{
    switch (type) {
    case RTA_DST:
        route.destination = prefix_text(payload, head.rtm_dst_len);
        break;
    case RTA_PREFSRC:
        route.source = address_text(payload);
        break;
    case RTA_TABLE:
        route.table = as_u32(payload);
        break;
    case RTA_PRIORITY:
        route.priority = as_u32(payload);
        break;
    case RTA_METRICS:
        route.metrics = parse_metrics(payload);
        break;
    case RTA_MULTIPATH:
        read_next_hops(route, payload, name_of);
        break;
    default:
        read_hop(route, type, payload, name_of);
        break;
    }
}

} // namespace

std::optional<Route> parse_route(const nlmsghdr& message, const NameOf& name_of)
{
    const auto head = kernel::fixed_part<rtmsg>(message);
    if (message.nlmsg_type != RTM_NEWROUTE || !head || !is_internet(head->rtm_family)) return std::nullopt;
    if ((head->rtm_flags & RTM_F_CLONED) != 0 || is_own_address(head->rtm_type)) return std::nullopt;
    Route route;
    route.family = family_word(head->rtm_family);
    route.destination = "default";
    route.type = word_for(type_words, head->rtm_type);
    route.protocol = word_for(protocol_words, head->rtm_protocol);
    route.table = head->rtm_table;
    each_attribute(message, sizeof *head,
                   [&](std::uint16_t type, Payload payload) { read_attribute(route, *head, type, payload, name_of); });
    return route;
}

void RouteKeeper::add(Route route)
{
    if (routes_.size() < limit || route.destination == "default") {
        routes_.push_back(std::move(route));
        return;
    }
    family_ = std::move(route.family);
    ++left_out_;
}

std::vector<Route> RouteKeeper::take()
{
    if (left_out_ != 0) {
        Route others;
        others.family = family_;
        others.type = "others";
        others.table = 0;
        others.next_hops = left_out_;
        routes_.push_back(std::move(others));
    }
    return std::move(routes_);
}

Result<std::vector<Route>> collect_routes(kernel::Kernel& kernel)
{
    InterfaceNames names(kernel);
    std::vector<Route> routes;
    for (const unsigned family : {AF_INET, AF_INET6}) {
        kernel::Request question(RTM_GETROUTE, NLM_F_DUMP);
        rtmsg head{};
        head.rtm_family = static_cast<unsigned char>(family);
        question.header(head);
        RouteKeeper keeper;
        TRY_VOID(kernel.netlink->ask_whole(
            NETLINK_ROUTE, question,
            [&](const nlmsghdr& message) {
                auto route = parse_route(message, std::ref(names));
                // Without IPv6 in the kernel its question is answered with the routes of every family there is.
                if (route && route->family == family_word(family)) keeper.add(*std::move(route));
            },
            [&] { keeper.clear(); }));
        std::ranges::move(keeper.take(), std::back_inserter(routes));
    }
    return routes;
}

} // namespace netwright::host
