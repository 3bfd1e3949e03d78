// SPDX-License-Identifier: GPL-2.0-or-later
// What collect_routes, collect_rules, collect_neighbours and collect_conntrack say equals what ip and sysctl say.
#include "host/collect.h"
#include "host/route.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "support/netns.h"
#include "support/program.h"

using namespace netwright;
using support::must, support::must_json, support::Netns;

namespace {

std::string text(const nlohmann::json& told, const char* key)
{
    if (!told.contains(key)) return "";
    return told[key].is_string() ? told[key].get<std::string>() : told[key].dump();
}

template <class T>
std::string text(const std::optional<T>& value)
{
    return value ? fmt::format("{}", *value) : "";
}

std::string table_number(const std::string& name)
{
    if (name.empty() || name == "main") return "254";
    return name == "local" ? "255" : name == "default" ? "253" : name;
}

// One line a route, so that a difference can be read.
std::string line(const nlohmann::json& told, const std::string& family)
{
    std::string gateway = text(told, "gateway");
    if (told.contains("via")) gateway = told["via"]["host"];
    const bool several = told.contains("nexthops");
    const nlohmann::json metrics =
        told.contains("metrics") && !told["metrics"].empty() ? told["metrics"][0] : nlohmann::json::object();
    return fmt::format("{} {} {} via '{}' dev '{}' src '{}' proto {} table {} metric {} hops {} mtu '{}' advmss '{}' "
                       "initcwnd '{}' initrwnd '{}' rto_min '{}' quickack '{}' cc '{}'",
                       family, told.value("type", "unicast"), text(told, "dst"), gateway, text(told, "dev"),
                       text(told, "prefsrc"), text(told, "protocol"), table_number(text(told, "table")),
                       told.value("metric", 0U), several ? told["nexthops"].size() : 1, text(metrics, "mtu"),
                       text(metrics, "advmss"), text(metrics, "initcwnd"), text(metrics, "initrwnd"),
                       text(metrics, "rto_min"), text(metrics, "quickack"), text(metrics, "congestion"));
}

std::string line(const Route& route)
{
    const RouteMetrics& m = route.metrics;
    return fmt::format("{} {} {} via '{}' dev '{}' src '{}' proto {} table {} metric {} hops {} mtu '{}' advmss '{}' "
                       "initcwnd '{}' initrwnd '{}' rto_min '{}' quickack '{}' cc '{}'",
                       route.family, route.type, route.destination, route.gateway, route.nic, route.source,
                       route.protocol, route.table, route.priority, route.next_hops, text(m.mtu), text(m.advmss),
                       text(m.initcwnd), text(m.initrwnd), text(m.rto_min_ms), text(m.quickack),
                       text(m.congestion_control));
}

bool is_own_address(const nlohmann::json& told)
{
    const std::string type = told.value("type", "unicast");
    return type == "local" || type == "broadcast" || type == "multicast" || type == "anycast";
}

void compare_routes(const std::vector<Route>& routes)
{
    std::multiset<std::string> expected, seen;
    for (const auto& [flag, family] : {std::pair{"-4", "ipv4"}, std::pair{"-6", "ipv6"}})
        for (const auto& told : must_json(fmt::format("ip {} -j -d route show table all", flag)))
            if (!is_own_address(told)) expected.insert(line(told, family));
    for (const Route& route : routes)
        seen.insert(line(route));
    for (const std::string& one : expected) {
        CAPTURE(one);
        CHECK(seen.contains(one));
    }
    CHECK(seen.size() == expected.size());
}

void compare_rules(const std::vector<RoutingRule>& rules)
{
    std::size_t at = 0;
    for (const auto& [flag, family] : {std::pair{"-4", "ipv4"}, std::pair{"-6", "ipv6"}})
        for (const auto& told : must_json(fmt::format("ip {} -j rule", flag))) {
            CAPTURE(told.dump());
            REQUIRE(at < rules.size());
            const RoutingRule& rule = rules[at++];
            const auto prefix = [&](const char* address, const char* length) {
                return told.contains(length) ? text(told, address) + "/" + text(told, length) : text(told, address);
            };
            CHECK(rule.family == family);
            CHECK(rule.priority == told["priority"].get<std::uint32_t>());
            CHECK(rule.source == (told.contains("not") ? "not " : "") + prefix("src", "srclen"));
            CHECK(rule.destination == (told.contains("dst") ? prefix("dst", "dstlen") : "all"));
            CHECK(rule.interface == text(told, "iif"));
            CHECK(rule.action == text(told, "action").append(told.contains("action") ? "" : "lookup"));
            if (told.contains("table")) CHECK(std::to_string(rule.table) == table_number(text(told, "table")));
            CHECK(rule.mark == (told.contains("fwmark") ? std::stoul(text(told, "fwmark"), nullptr, 16) : 0));
        }
    CHECK(at == rules.size());
}

void build_routes()
{
    for (const char* line : {"ip link add w0 type veth peer name w1",
                             "ip link set lo up",
                             "ip link set w0 up",
                             "ip link set w1 up",
                             "ip addr add 10.1.0.1/24 dev w0",
                             "ip -6 addr add fd00::1/64 dev w0 nodad",
                             "ip route add default via 10.1.0.2 initcwnd 20 initrwnd 30 mtu 1400 advmss 1300",
                             "ip route add 10.9.0.0/16 via 10.1.0.3 rto_min 50ms quickack 1 congctl reno metric 7",
                             "ip route add 10.8.0.5 dev w0 src 10.1.0.1 proto static",
                             "ip route add blackhole 10.7.0.0/24",
                             "ip route add unreachable 10.6.0.0/24 table 100",
                             "ip route add 10.5.0.0/24 nexthop via 10.1.0.4 nexthop via 10.1.0.5",
                             "ip route add 10.4.0.0/24 via inet6 fe80::9 dev w0",
                             "ip -6 route add default via fd00::2 initcwnd 40",
                             "ip -6 route add fd09::/32 via fd00::3 mtu 1300",
                             "ip -6 route add fd08::/32 nexthop via fd00::4 nexthop via fd00::5",
                             "ip rule add from 10.1.0.0/24 lookup 100 priority 500",
                             "ip rule add not to 10.2.0.0/16 fwmark 0x5 lookup 100",
                             "ip rule add iif w0 prohibit priority 600",
                             "ip -6 rule add from fd00::/64 blackhole priority 700"})
        must(line);
}

} // namespace

TEST_CASE("routes and rules of a namespace are what ip says" * doctest::skip(!support::is_root()))
{
    const Netns netns;
    build_routes();
    auto kernel = netns.kernel();
    const auto routes = host::collect_routes(kernel);
    REQUIRE(routes);
    compare_routes(*routes);
    const auto rules = host::collect_rules(kernel);
    REQUIRE(rules);
    compare_rules(*rules);
}

TEST_CASE("routes and rules of this host are what ip says")
{
    auto kernel = kernel::Kernel::live();
    const auto routes = host::collect_routes(kernel);
    REQUIRE(routes);
    compare_routes(*routes);
    const auto rules = host::collect_rules(kernel);
    REQUIRE(rules);
    compare_rules(*rules);
}

TEST_CASE("a huge routing table is cut short and says so" * doctest::skip(!support::is_root()))
{
    const Netns netns;
    must("ip link set lo up");
    const std::string batch = fmt::format("/tmp/nw-test-{}.batch", ::getpid());
    std::ofstream out(batch);
    for (int i = 0; i < 10'500; ++i)
        out << "route add 10." << i / 256 << '.' << i % 256 << ".0/24 dev lo\n";
    out << "route add default dev lo table 77\n";
    out.close();
    must("ip -batch " + batch);
    ::unlink(batch.c_str());
    auto kernel = netns.kernel();
    const auto routes = host::collect_routes(kernel);
    REQUIRE(routes);
    const auto others = std::ranges::find(*routes, "others", &Route::type);
    REQUIRE(others != routes->end());
    CHECK(others->family == "ipv4");
    CHECK(others->next_hops >= 499); // loopback has routes of its own
    CHECK(std::ranges::count(*routes, "default", &Route::destination) >= 1);
    CHECK(std::ranges::count(*routes, 77U, &Route::table) == 1);
}

TEST_CASE("neighbour tables carry the limits that sysctl shows")
{
    auto kernel = kernel::Kernel::live();
    const auto tables = host::collect_neighbours(kernel);
    REQUIRE(tables);
    for (const auto& [family, number] : {std::pair{"ipv4", "4"}, std::pair{"ipv6", "6"}}) {
        const auto table = std::ranges::find(*tables, family, &NeighbourTable::family);
        REQUIRE(table != tables->end());
        const auto told = ::netwright::kernel::Kernel::live().files.read_line(
            fmt::format("proc/sys/net/ipv{}/neigh/default/gc_thresh3", number));
        REQUIRE(told);
        CHECK(std::to_string(table->gc_thresh3.value_or(0)) == *told);
        // Of all namespaces, with those no interface uses (NOARP) and proxies: at least what ip lists here.
        CHECK(table->entries >= must_json(fmt::format("ip -{} -j neigh show nud all", number)).size());
    }
}

TEST_CASE("conntrack is counted, or absent where its module is not loaded")
{
    auto kernel = kernel::Kernel::live();
    const auto conntrack = host::collect_conntrack(kernel);
    const auto limit = kernel.files.read_line("proc/sys/net/netfilter/nf_conntrack_max");
    REQUIRE(conntrack.has_value() == limit.has_value());
    if (!conntrack) {
        CHECK(conntrack.error().kind == Error::Kind::Absent);
        return;
    }
    CHECK(std::to_string(conntrack->limit.value_or(0)) == *limit);
    CHECK(conntrack->buckets.value_or(0) > 0);
    CHECK(conntrack->cpus.value_or(std::vector<ConntrackCpu>()).size() > 0);
}
