// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/address_text.h"
#include "host/qdisc.h"
#include "host/route.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <linux/gen_stats.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "support/scripted_netlink.h"

using namespace netwright;
using kernel::Request;

namespace {

std::string name_of(std::uint32_t index) { return fmt::format("if{}", index); }

Request route(unsigned char family, unsigned char type, unsigned char length)
{
    rtmsg head{};
    head.rtm_family = family;
    head.rtm_type = type;
    head.rtm_dst_len = length;
    head.rtm_table = RT_TABLE_MAIN;
    head.rtm_protocol = RTPROT_STATIC;
    Request request(RTM_NEWROUTE, 0);
    request.header(head);
    return request;
}

const std::byte address[]{std::byte{10}, std::byte{1}, std::byte{2}, std::byte{0}};

std::optional<Route> parse(const Request& request)
{
    return host::parse_route(support::header(support::message(request)), name_of);
}

} // namespace

TEST_CASE("a route carries its metrics, and the wide table number where there is one")
{
    Request request = route(AF_INET, RTN_UNICAST, 24);
    request.put(RTA_DST, address).put_u32(RTA_OIF, 4).put_u32(RTA_TABLE, 1000).put_u32(RTA_PRIORITY, 5);
    const std::size_t metrics = request.begin(RTA_METRICS);
    request.put_u32(RTAX_INITCWND, 20).put_u32(RTAX_RTO_MIN, 50).put_text(RTAX_CC_ALGO, "bbr");
    request.end(metrics);
    const auto seen = parse(request);
    REQUIRE(seen);
    CHECK(seen->destination == "10.1.2.0/24");
    CHECK(seen->nic == "if4");
    CHECK(seen->table == 1000);
    CHECK(seen->priority == 5);
    CHECK(seen->protocol == "static");
    CHECK(seen->metrics.initcwnd == 20);
    CHECK(seen->metrics.rto_min_ms == 50);
    CHECK(seen->metrics.congestion_control == "bbr");
    CHECK_FALSE(seen->metrics.mtu);
}

TEST_CASE("a route without destination is a default route; a full-length one names a host")
{
    CHECK(parse(route(AF_INET6, RTN_UNICAST, 0))->destination == "default");
    Request host_route = route(AF_INET, RTN_BLACKHOLE, 32);
    host_route.put(RTA_DST, address);
    CHECK(parse(host_route)->destination == "10.1.2.0");
    CHECK(parse(host_route)->type == "blackhole");
}

TEST_CASE("routes that the kernel makes for each address are passed over")
{
    for (const auto type : {RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST})
        CHECK_FALSE(parse(route(AF_INET, static_cast<unsigned char>(type), 32)));
    CHECK_FALSE(parse(route(28, RTN_UNICAST, 0))); // MPLS
    CHECK_FALSE(parse(Request(RTM_NEWROUTE, 0)));
}

TEST_CASE("several next hops are counted, one is named; a broken list ends the count")
{
    rtnexthop hops[2]{};
    hops[0].rtnh_len = hops[1].rtnh_len = sizeof(rtnexthop);
    hops[0].rtnh_ifindex = 4;
    hops[1].rtnh_ifindex = 5;
    Request two = route(AF_INET, RTN_UNICAST, 0), one = two, broken = two;
    two.put(RTA_MULTIPATH, std::as_bytes(std::span(hops)));
    CHECK(parse(two)->next_hops == 2);
    CHECK(parse(two)->nic == "");
    one.put(RTA_MULTIPATH, std::as_bytes(std::span(hops, 1)));
    CHECK(parse(one)->next_hops == 1);
    CHECK(parse(one)->nic == "if4");
    hops[1].rtnh_len = 2; // shorter than itself
    broken.put(RTA_MULTIPATH, std::as_bytes(std::span(hops)));
    CHECK(parse(broken)->next_hops == 1);
}

TEST_CASE("beyond its limit a table keeps default routes and counts the others")
{
    host::RouteKeeper keeper;
    Route plain;
    plain.family = "ipv4";
    plain.destination = "10.0.0.0/8";
    plain.type = "unicast";
    for (std::size_t i = 0; i < host::RouteKeeper::limit + 3; ++i)
        keeper.add(plain);
    plain.destination = "default";
    keeper.add(plain);
    const std::vector<Route> routes = keeper.take();
    REQUIRE(routes.size() == host::RouteKeeper::limit + 2);
    CHECK(routes[host::RouteKeeper::limit].destination == "default");
    CHECK(routes.back().type == "others");
    CHECK(routes.back().family == "ipv4");
    CHECK(routes.back().next_hops == 3);

    host::RouteKeeper small;
    small.add(plain);
    CHECK(small.take().size() == 1);
}

TEST_CASE("a qdisc's 64-bit packet count goes before the 32-bit one, and short structures leave zeros")
{
    tcmsg head{};
    head.tcm_ifindex = 2;
    head.tcm_handle = 0x80010000;
    head.tcm_parent = 0x00050003;
    const std::uint64_t bytes = 123;
    Request request(RTM_NEWQDISC, 0);
    request.header(head).put_text(TCA_KIND, "fq");
    const std::size_t stats = request.begin(TCA_STATS2);
    request.put(TCA_STATS_BASIC, std::as_bytes(std::span(&bytes, 1))); // packets are cut off
    request.put_u64(TCA_STATS_PKT64, 5'000'000'000).put_u32(TCA_STATS_QUEUE, 7);
    request.end(stats);
    const auto qdisc = host::parse_qdisc(support::header(support::message(request)), name_of);
    REQUIRE(qdisc);
    CHECK(qdisc->nic == "if2");
    CHECK(qdisc->handle == "8001:");
    CHECK(qdisc->parent == "5:3");
    CHECK(qdisc->bytes.total == 123);
    CHECK(qdisc->packets.total == 5'000'000'000);
    CHECK(qdisc->queued_packets == 7);
    CHECK(qdisc->drops.total == 0);
    CHECK_FALSE(host::parse_qdisc(support::header(support::message(Request(RTM_NEWQDISC, 0).header(head))), name_of));
}

TEST_CASE("a payload that is no address has no text")
{
    CHECK(host::address_text(address) == "10.1.2.0");
    CHECK(host::address_text(std::span(address).first(3)) == "");
    CHECK(host::address_text({}) == "");
}
