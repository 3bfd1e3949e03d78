// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/lb_nat.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

LbNat nat_of(const std::vector<std::string>& addresses)
{
    LbNat nat;
    for (const std::string& text : addresses)
        nat.addresses.push_back(*parse_prefix(text));
    return nat;
}

std::string places(const lb_nat_settings& settings)
{
    std::string text;
    for (std::uint32_t place = 0; place < 2 * LB_NAT_PLACES; ++place)
        if (const auto address = nat_address(settings, place))
            text += std::to_string(place) + "=" + to_text(*address) + " ";
    return text;
}

} // namespace

TEST_CASE("addresses keep their places from one configuration to the next, and no place changes hands at once")
{
    const auto first = nat_settings(nat_of({"10.0.0.1", "10.0.0.2", "2001:db8::1"}), nullptr);
    REQUIRE(first);
    CHECK(places(*first) == "0=10.0.0.1 1=10.0.0.2 8=2001:db8::1 ");
    CHECK(first->places4 == 2);
    CHECK(first->places6 == 1);
    CHECK(first->first == 1024);
    CHECK(first->ports == 31744);
    CHECK(first->idle_tcp == 6984); // 2^30 nanoseconds
    const auto second = nat_settings(nat_of({"10.0.0.3", "10.0.0.2"}), &*first);
    REQUIRE(second);
    CHECK(places(*second) == "1=10.0.0.2 2=10.0.0.3 ");
    CHECK(second->places4 == 3);
    const auto third = nat_settings(nat_of({"10.0.0.4", "10.0.0.3"}), &*second);
    REQUIRE(third);
    CHECK(places(*third) == "0=10.0.0.4 2=10.0.0.3 ");
    std::vector<std::string> eight;
    for (int i = 1; i <= 8; ++i)
        eight.push_back("10.1.0." + std::to_string(i));
    CHECK(nat_settings(nat_of(eight), nullptr));
    const auto refused = nat_settings(nat_of(eight), &*third);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Error::Kind::Rejected);
}

TEST_CASE("connections are counted while they are neither closed nor idle for too long")
{
    const auto settings = nat_settings(nat_of({"10.0.0.1"}), nullptr);
    REQUIRE(settings);
    std::vector<lb_nat_entry> entries(LB_NAT_ENTRIES);
    const auto put = [&](std::size_t at, std::uint64_t state, std::uint64_t second) {
        entries[at].word = state | second << 32;
    };
    constexpr std::uint64_t now = 100'000;
    put(2000, LB_NAT_TAKEN, now);
    put(2001, LB_NAT_TAKEN | LB_NAT_FILLED, now);
    put(2002, LB_NAT_TAKEN | LB_NAT_FILLED | LB_NAT_OPEN, now - 6984);
    put(2003, LB_NAT_TAKEN | LB_NAT_FILLED | LB_NAT_OPEN, now - 6985);
    put(2004, LB_NAT_TAKEN | LB_NAT_FILLED | LB_NAT_OPEN | LB_NAT_CLIENT_DONE, now + 1);
    put(2005, LB_NAT_TAKEN | LB_NAT_FILLED | LB_NAT_CLIENT_DONE | LB_NAT_BACKEND_DONE, now);
    put(2006, LB_NAT_TAKEN | LB_NAT_FILLED | LB_NAT_RESET, now);
    put(LB_NAT_ENTRIES / 2 + 2000, LB_NAT_TAKEN | LB_NAT_FILLED, now - settings->idle_udp);
    put(LB_NAT_ENTRIES / 2 + 2001, LB_NAT_TAKEN | LB_NAT_FILLED, now - settings->idle_udp - 1);
    const LbNatUse use = count_nat(entries, *settings, 0, now << 30);
    CHECK(use.address == "10.0.0.1");
    CHECK(use.tcp == 3);
    CHECK(use.udp == 1);
}

TEST_CASE("ports that the host takes for its own connections are named")
{
    LbConfig config;
    CHECK(port_doubt(config, "32768\t60999").empty()); // no NAT
    config.nat = nat_of({"10.0.0.1"});
    CHECK(port_doubt(config, "32768\t60999").empty());
    CHECK(port_doubt(config, "32767\t60999").find("1024-32767 overlap net.ipv4.ip_local_port_range (32767-60999)") !=
          std::string::npos);
    CHECK_FALSE(port_doubt(config, "1024 65535").empty());
    CHECK(port_doubt(config, "").empty());
}
