// SPDX-License-Identifier: GPL-2.0-or-later
// Routes in tables of our own, as `ip route` writes them: "via 192.0.2.1 dev eth0".
#include "base/text.h"
#include "tunable/kinds.h"
#include "tunable/route_message.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace netwright::tunable {
namespace {

constexpr std::uint32_t usual_ipv6_priority = 1024; // net/ipv6: what a route has unless told otherwise

struct Path {
    std::string gateway, interface, source; // "" where none is said
    bool onlink = false;
};

std::unexpected<Error> refuse(const TableRoute& place, std::string_view why, Error::Kind kind = Error::Kind::Rejected)
{
    return fail(kind, fmt::format("{}: {}", to_text(Tunable{place}), why));
}

std::string address_in(const RouteMessage& route, std::uint16_t type)
{
    const auto found = route.attributes.find(type);
    if (found == route.attributes.end()) return {};
    const auto address = ip_address_of(found->second);
    return address ? address_text(*address) : "";
}

// What a simple route may hold; anything else was made by somebody else, and is left alone.
bool is_simple(const RouteMessage& route)
{
    constexpr std::array<std::uint16_t, 8> simple{RTA_DST,   RTA_OIF,  RTA_GATEWAY,   RTA_PRIORITY,
                                                  RTA_TABLE, RTA_PREF, RTA_CACHEINFO, RTA_PREFSRC};
    for (const auto& [type, payload] : route.attributes)
        if (std::ranges::find(simple, type) == simple.end()) return false;
    const bool usual = route.priority == (route.destination.is_ipv6 ? usual_ipv6_priority : 0);
    return usual && route.head.rtm_type == RTN_UNICAST && route.head.rtm_tos == 0 && route.metrics.empty() &&
           !route.expires;
}

std::string text_of(const RouteMessage& route)
{
    if (!is_simple(route)) return "a route that netwright could not put back";
    std::string text;
    const auto add = [&](std::string_view word, const std::string& value) {
        if (!value.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : " ", word, value);
    };
    char name[IF_NAMESIZE] = "";
    add("via", address_in(route, RTA_GATEWAY));
    if (::if_indextoname(route.interface, name)) add("dev", name);
    add("src", address_in(route, RTA_PREFSRC));
    if ((route.head.rtm_flags & RTNH_F_ONLINK) != 0) text += " onlink";
    return text;
}

Result<Path> parse_path(const TableRoute& place, std::string_view text)
{
    Path path;
    for (std::string_view word, value; next_word(text, word);) {
        if (word == "onlink") {
            path.onlink = true;
            continue;
        }
        std::string* const into = word == "via"   ? &path.gateway
                                  : word == "dev" ? &path.interface
                                  : word == "src" ? &path.source
                                                  : nullptr;
        if (!into || !next_word(text, value))
            return refuse(place, "write [via ADDRESS] dev INTERFACE [src ADDRESS] [onlink]");
        *into = std::string(value);
    }
    if (path.interface.empty()) return refuse(place, "say which interface: dev INTERFACE");
    return path;
}

std::string text_of(const Path& path)
{
    return fmt::format("{}dev {}{}{}", path.gateway.empty() ? "" : fmt::format("via {} ", path.gateway), path.interface,
                       path.source.empty() ? "" : " src " + path.source, path.onlink ? " onlink" : "");
}

Result<void> put_address(kernel::Request& request, const TableRoute& place, std::uint16_t type, const std::string& text,
                         bool is_ipv6)
{
    if (text.empty()) return {};
    const auto address = parse_ip_prefix(text);
    if (!address || !address->is_host() || address->is_ipv6 != is_ipv6)
        return refuse(place, fmt::format("'{}' is no address of this family", text.substr(0, 64)));
    request.put(type, address->bytes());
    return {};
}

rtmsg head_of(const TableRoute& place, const IpPrefix& prefix, const Path& path)
{
    rtmsg head{};
    head.rtm_family = prefix.is_ipv6 ? AF_INET6 : AF_INET;
    head.rtm_dst_len = static_cast<unsigned char>(prefix.length);
    head.rtm_table = static_cast<unsigned char>(place.table < 256 ? place.table : RT_TABLE_UNSPEC);
    head.rtm_protocol = RTPROT_STATIC;
    head.rtm_scope = path.gateway.empty() && !prefix.is_ipv6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    head.rtm_type = RTN_UNICAST;
    head.rtm_flags = path.onlink ? RTNH_F_ONLINK : 0;
    return head;
}

Result<kernel::Request> request_for(const TableRoute& place, const Path& path)
{
    const IpPrefix prefix = TRY(parse_ip_prefix(place.destination));
    const unsigned interface = ::if_nametoindex(path.interface.c_str());
    if (interface == 0) return no_such_interface(path.interface);
    kernel::Request request(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
    request.header(head_of(place, prefix, path)).put_u32(RTA_TABLE, place.table).put_u32(RTA_OIF, interface);
    if (!prefix.is_default()) request.put(RTA_DST, prefix.bytes());
    TRY_VOID(put_address(request, place, RTA_GATEWAY, path.gateway, prefix.is_ipv6));
    TRY_VOID(put_address(request, place, RTA_PREFSRC, path.source, prefix.is_ipv6));
    return request;
}

Result<std::vector<RouteMessage>> routes_at(kernel::Kernel& kernel, const TableRoute& place)
{
    if (!kernel.files.is_live()) return refuse(place, "a captured tree answers no netlink", Error::Kind::Unsupported);
    const IpPrefix prefix = TRY(parse_ip_prefix(place.destination));
    auto routes = TRY(routes_in(*kernel.netlink, prefix.is_ipv6, place.table));
    std::erase_if(routes, [&](const RouteMessage& route) { return route.destination != prefix; });
    return routes;
}

Result<void> remove(kernel::Kernel& kernel, const TableRoute& place, const RouteMessage& route)
{
    kernel::Request request(RTM_DELROUTE, 0);
    rtmsg head = route.head;
    head.rtm_flags = 0;
    request.header(head);
    for (const auto type : {RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_TABLE})
        if (const auto found = route.attributes.find(static_cast<std::uint16_t>(type)); found != route.attributes.end())
            request.put(found->first, found->second);
    auto done = kernel.netlink->ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {});
    if (!done) return refuse(place, done.error().what, done.error().kind);
    return {};
}

struct TableRouteKind : KindDefaults<TableRoute> {
    static Present read(kernel::Kernel& kernel, const TableRoute& place)
    {
        const auto routes = TRY(routes_at(kernel, place));
        if (routes.empty()) return std::optional<Value>{};
        if (routes.size() > 1) return Value{fmt::format("{} routes", routes.size())};
        return Value{text_of(routes.front())};
    }

    static Result<void> check(kernel::Kernel& kernel, const TableRoute& place, const Value& value)
    {
        const auto routes = TRY(routes_at(kernel, place));
        if (routes.size() > 1 || (routes.size() == 1 && !is_simple(routes.front())))
            return refuse(place,
                          "what stands there was not made by netwright and could not be put back: take another table",
                          Error::Kind::Unsupported);
        if (to_text(value).empty()) return {};
        const Path path = TRY(parse_path(place, to_text(value)));
        TRY_VOID(request_for(place, path));
        return {};
    }

    static Result<void> write(kernel::Kernel& kernel, const TableRoute& place, const Value& value)
    {
        const auto routes = TRY(routes_at(kernel, place));
        if (to_text(value).empty()) return routes.empty() ? Result<void>{} : remove(kernel, place, routes.front());
        const Path path = TRY(parse_path(place, to_text(value)));
        kernel::Request request = TRY(request_for(place, path));
        auto done = kernel.netlink->ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {});
        if (!done) return write_failed(place, value, std::move(done).error());
        return {};
    }

    static bool same(const TableRoute& place, const Value& a, const Value& b)
    {
        const auto left = parse_path(place, to_text(a)), right = parse_path(place, to_text(b));
        return left && right && text_of(*left) == text_of(*right);
    }

    // Only what a rule leads to would be worth listing, and rules are listed with their tables.
    static Result<std::vector<Reading>> list(kernel::Kernel&) { return std::vector<Reading>{}; }

    static std::string undo_command(const TableRoute& place, const std::optional<Value>& from)
    {
        const std::string text = from ? to_text(*from) : "";
        const char* const family = place.destination.find(':') == std::string::npos ? "" : " -6";
        return fmt::format("ip{} route {} {} table {}{}", family, text.empty() ? "del" : "replace", place.destination,
                           place.table, text.empty() ? "" : " " + text);
    }
};

} // namespace

constexpr Kind table_kind = kind_of<TableRouteKind>("table", "rtnetlink RTM_GETROUTE, RTM_NEWROUTE, RTM_DELROUTE");

} // namespace netwright::tunable
