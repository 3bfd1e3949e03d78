// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/counter.h"

#include <doctest/doctest.h>

using namespace netwright;

TEST_CASE("32-bit counters wrap, 64-bit counters that go back were reset")
{
    CHECK(growth_u32(0xfffffff0U, 0x10) == 0x20);
    CHECK(growth_u32(5, 5) == 0);
    CHECK(growth_u32(0, 0xffffffffU) == 0xffffffffU);
    CHECK(growth_u64(10, 12) == 2);
    CHECK(growth_u64(12, 10) == 0);
    CHECK(growth_u64(0xffffffffU, 0x100000000U) == 1);
}

TEST_CASE("a counter is found by name; one that is not kept is absent, not zero")
{
    const CounterTable table({{"TcpRetransSegs", {7, 0}}, {"IpInReceives", {9, 0}}});
    CHECK(table.at("TcpRetransSegs").value().total == 7);
    REQUIRE_FALSE(table.at("TcpRetrans"));
    CHECK(table.at("TcpRetrans").error().kind == Error::Kind::Absent);
    CHECK(CounterTable().at("x").error().kind == Error::Kind::Absent);
}

TEST_CASE("growth pairs by name: new names count from nothing, vanished ones are gone, a reset grows by nothing")
{
    const CounterTable before({{"a", {1, 0}}, {"c", {5, 0}}, {"gone", {3, 0}}});
    CounterTable now({{"c", {9, 0}}, {"b", {4, 0}}, {"a", {0, 0}}});
    now.grow_since(before);
    CHECK(now.at("a").value() == Counter{0, 0});
    CHECK(now.at("b").value() == Counter{4, 4});
    CHECK(now.at("c").value() == Counter{9, 4});
    CHECK(now.all().size() == 3);
}

TEST_CASE("of equal names, the n-th pairs with the n-th")
{
    const CounterTable before({{"drv", {1, 0}}, {"drv", {10, 0}}});
    CounterTable now({{"drv", {3, 0}}, {"drv", {11, 0}}, {"drv", {6, 0}}});
    now.grow_since(before);
    REQUIRE(now.all().size() == 3);
    CHECK(now.all()[0].counter.growth == 2);
    CHECK(now.all()[1].counter.growth == 1);
    CHECK(now.all()[2].counter.growth == 6);
}
