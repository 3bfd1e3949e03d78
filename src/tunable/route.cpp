// SPDX-License-Identifier: GPL-2.0-or-later
// Metrics of one route: the route is read whole, one metric is changed, and it replaces itself.
#include "base/text.h"
#include "tunable/kinds.h"
#include "tunable/route_message.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace netwright::tunable {
namespace {

constexpr std::uint16_t congestion_algorithm = RTAX_CC_ALGO;

struct Metric {
    std::string_view word;
    std::uint16_t type;
    std::int64_t least, most; // fib_convert_metrics() in net/ipv4/fib_semantics.c cuts what is larger
};
constexpr std::array metrics{
    Metric{"initcwnd", RTAX_INITCWND, 1, 65535}, Metric{"initrwnd", RTAX_INITRWND, 1, 65535},
    Metric{"quickack", RTAX_QUICKACK, 0, 1},     Metric{"congctl", congestion_algorithm, 0, 0},
    Metric{"mtu", RTAX_MTU, 68, 65535 - 15},     Metric{"advmss", RTAX_ADVMSS, 1, 65535 - 40},
};

const Metric& metric_of(const RouteSetting& setting)
{
    const auto metric = std::ranges::find(metrics, setting.metric, &Metric::word);
    ENSURE(metric != metrics.end()); // parse_tunable() takes no other
    return *metric;
}

std::unexpected<Error> refuse(const RouteSetting& setting, std::string_view why, Error::Kind kind)
{
    return fail(kind, fmt::format("{}: {}", to_text(Tunable{setting}), why));
}

bool is_meant(const RouteSetting& setting, const RouteMessage& route, const IpPrefix& prefix, unsigned interface)
{
    return route.destination == prefix && route.head.rtm_type == RTN_UNICAST &&
           (setting.nic.empty() || route.interface == interface) &&
           (!setting.priority || route.priority == *setting.priority);
}

// Which of several routes the kernel would replace depends on their order, so there must be but one
// (fib_table_insert() in net/ipv4/fib_trie.c, fib6_add_rt2node() in net/ipv6/ip6_fib.c).
bool has_twin(const std::vector<RouteMessage>& routes, const RouteMessage& route)
{
    return std::ranges::count_if(routes, [&](const RouteMessage& other) {
               return other.destination == route.destination && other.priority == route.priority &&
                      other.head.rtm_tos == route.head.rtm_tos;
           }) > 1;
}

Result<RouteMessage> find_route(kernel::Kernel& kernel, const RouteSetting& setting)
{
    if (!kernel.files.is_live()) return refuse(setting, "a captured tree answers no netlink", Error::Kind::Unsupported);
    const IpPrefix prefix = TRY(parse_ip_prefix(setting.destination));
    const unsigned interface = setting.nic.empty() ? 0 : ::if_nametoindex(setting.nic.c_str());
    if (!setting.nic.empty() && interface == 0) return no_such_interface(setting.nic);
    const auto routes = TRY(routes_in(*kernel.netlink, prefix.is_ipv6, setting.table));
    const RouteMessage* found = nullptr;
    for (const RouteMessage& route : routes) {
        if (!is_meant(setting, route, prefix, interface)) continue;
        if (found)
            return refuse(setting, "several routes lead there: say which, as in route/default@eth0@metric:100/initcwnd",
                          Error::Kind::Rejected);
        found = &route;
    }
    if (!found) return refuse(setting, "there is no such route (see: ip route show table all)", Error::Kind::Absent);
    if (has_twin(routes, *found))
        return refuse(setting,
                      "another route with the same prefix and metric stands beside it: the kernel might "
                      "replace that one instead; give them different metrics",
                      Error::Kind::Unsupported);
    return *found;
}

std::optional<Value> value_in(const RouteMessage& route, const Metric& metric)
{
    const auto found = route.metrics.find(metric.type);
    if (found == route.metrics.end()) return std::nullopt;
    if (metric.type == congestion_algorithm) return Value{kernel::as_text(found->second)};
    return Value{std::int64_t{kernel::as_u32(found->second)}};
}

Result<void> check_algorithm(kernel::Kernel& kernel, const RouteSetting& setting, const std::string& name)
{
    const auto known = kernel.files.read_line("proc/sys/net/ipv4/tcp_available_congestion_control");
    if (!known) return {}; // the kernel will say
    const auto words = split_words(*known);
    if (std::ranges::find(words, name) != words.end()) return {};
    return refuse(
        setting,
        fmt::format("the algorithm {} is not loaded; this kernel has {} (modprobe tcp_{})", name, *known, name),
        Error::Kind::Rejected);
}

bool clears(const Value& value)
{
    const auto* text = std::get_if<std::string>(&value);
    return text && text->empty();
}

void set_metric(RouteMessage& route, const Metric& metric, const Value& value)
{
    auto& payload = route.metrics[metric.type];
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        const auto word = static_cast<std::uint32_t>(*number);
        payload.resize(sizeof word);
        std::memcpy(payload.data(), &word, sizeof word);
        return;
    }
    const std::string text = to_text(value);
    const auto bytes = std::as_bytes(std::span(text.c_str(), text.size() + 1));
    payload.assign(bytes.begin(), bytes.end());
}

// A lock without its metric would be refused.
void clear_metric(RouteMessage& route, const Metric& metric)
{
    route.metrics.erase(metric.type);
    const auto lock = route.metrics.find(RTAX_LOCK);
    if (lock == route.metrics.end()) return;
    const std::uint32_t bits = kernel::as_u32(lock->second) & ~(1U << metric.type);
    if (bits == 0)
        route.metrics.erase(lock);
    else
        std::memcpy(lock->second.data(), &bits, sizeof bits);
}

struct RouteMetricKind : KindDefaults<RouteSetting> {
    static Present read(kernel::Kernel& kernel, const RouteSetting& setting)
    {
        return value_in(TRY(find_route(kernel, setting)), metric_of(setting));
    }

    static Result<void> check(kernel::Kernel& kernel, const RouteSetting& setting, const Value& value)
    {
        const RouteMessage route = TRY(find_route(kernel, setting));
        TRY_VOID(replace_request(route)); // says what could not be put back
        if (clears(value)) return {};
        const Metric& metric = metric_of(setting);
        if (metric.type == congestion_algorithm) return check_algorithm(kernel, setting, to_text(value));
        const auto* number = std::get_if<std::int64_t>(&value);
        const std::int64_t least =
            metric.type == RTAX_MTU && route.destination.is_ipv6 ? std::int64_t{1280} : metric.least;
        if (!number || *number < least || *number > metric.most)
            return refuse(setting, fmt::format("takes {} to {}, not {}", least, metric.most, to_text(value)),
                          Error::Kind::Rejected);
        return {};
    }

    static Result<void> write(kernel::Kernel& kernel, const RouteSetting& setting, const Value& value)
    {
        RouteMessage route = TRY(find_route(kernel, setting));
        if (clears(value))
            clear_metric(route, metric_of(setting));
        else
            set_metric(route, metric_of(setting), value);
        kernel::Request request = TRY(replace_request(route));
        auto done = kernel.netlink->ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {});
        if (!done) return write_failed(setting, value, std::move(done).error());
        return {};
    }

    // Default routes and those through a gateway: few enough to look at, and those whose windows matter.
    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        constexpr std::size_t most = 32;
        std::vector<Reading> found;
        for (const bool ipv6 : {false, true}) {
            if (!kernel.files.is_live()) return fail(Error::Kind::Unsupported, "a captured tree answers no netlink");
            const auto routes = TRY(routes_in(*kernel.netlink, ipv6, RouteSetting::main_table));
            std::size_t taken = 0;
            for (const RouteMessage& route : routes) {
                const bool leads_away = route.destination.is_default() || !route.attributes.contains(RTA_PREFSRC);
                if (route.head.rtm_type != RTN_UNICAST || route.head.rtm_protocol == RTPROT_KERNEL || !leads_away)
                    continue;
                if (++taken > most) break;
                add_readings(found, routes, route);
            }
        }
        return found;
    }

    // ip route has no "change one metric": the rest must be typed as it stands.
    static std::string undo_command(const RouteSetting& setting, const std::optional<Value>& from)
    {
        const std::string old = from ? to_text(*from) : "";
        const std::string table =
            setting.table == RouteSetting::main_table ? "" : fmt::format(" table {}", setting.table);
        const std::string family = setting.destination.find(':') == std::string::npos ? "" : " -6";
        const std::string show = fmt::format("ip{} route show exact {}{}{}", family, setting.destination, table,
                                             setting.nic.empty() ? "" : " dev " + shell_word(setting.nic));
        const std::string without = fmt::format("sed -E 's/ {0} (lock )?[^ ]+//'", setting.metric);
        return fmt::format("ip{} route replace $({} | {}){}{}", family, show, without, table,
                           old.empty() ? "" : fmt::format(" {} {}", setting.metric, shell_word(old)));
    }

private:
    static void add_readings(std::vector<Reading>& found, const std::vector<RouteMessage>& routes,
                             const RouteMessage& route)
    {
        RouteSetting setting;
        setting.destination = to_text(route.destination);
        const auto twins = std::ranges::count(routes, route.destination, &RouteMessage::destination);
        char name[IF_NAMESIZE];
        if (twins > 1 && route.interface != 0 && ::if_indextoname(route.interface, name)) setting.nic = name;
        if (twins > 1 && route.priority != 0) setting.priority = route.priority;
        for (const Metric& metric : metrics) {
            setting.metric = metric.word;
            found.push_back({setting, value_in(route, metric)});
        }
    }
};

} // namespace

constexpr Kind route_kind = kind_of<RouteMetricKind>("route", "rtnetlink RTM_GETROUTE, RTM_NEWROUTE (RTA_METRICS)");

} // namespace netwright::tunable
