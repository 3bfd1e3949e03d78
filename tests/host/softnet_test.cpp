// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/counter_growth.h"
#include "host/parse.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

TEST_CASE("softnet columns are hexadecimal and found by their count")
{
    const auto nine = parse_softnet("0000000a 00000001 00000002 0 0 0 0 0 00000009\n");
    REQUIRE(nine);
    CHECK(nine->at(0).processed.total == 10);
    CHECK(nine->at(0).dropped.total == 1);
    CHECK(nine->at(0).time_squeeze.total == 2);
    CHECK(nine->at(0).received_rps.total == 0);
    CHECK_FALSE(nine->at(0).backlog);

    const auto eleven = parse_softnet("1 0 0 0 0 0 0 0 0 0000000b 0000000c\n");
    REQUIRE(eleven);
    CHECK(eleven->at(0).received_rps.total == 11);
    CHECK(eleven->at(0).flow_limit.total == 12);
    CHECK_FALSE(eleven->at(0).backlog);

    const auto fifteen = parse_softnet("1 0 0 0 0 0 0 0 0 0 0 00000005 00000003 2 3\n");
    REQUIRE(fifteen);
    CHECK(fifteen->at(0).backlog == 5U);
    CHECK(fifteen->at(0).cpu == 3);
}

TEST_CASE("where CPUs are not numbered, the line is all there is")
{
    const auto cpus = parse_softnet("1 0 0 0 0 0 0 0 0 0\n2 0 0 0 0 0 0 0 0 0\n");
    REQUIRE(cpus);
    REQUIRE(cpus->size() == 2);
    CHECK(cpus->at(1).cpu == 1);
}

TEST_CASE("a softnet_stat that is cut short, empty or beyond 32 bits is malformed")
{
    for (const char* text : {"", "1 2 3\n", "1 0 0 0 0 0 0 0 0\n1 0", "1 0 0 0 0 0 0 0 x\n",
                             "100000000 0 0 0 0 0 0 0 0\n", "1 0 0 0 0 0 0 0 0 0 0 0 ffffffff\n", "\n"}) {
        CAPTURE(text);
        REQUIRE_FALSE(parse_softnet(text));
        CHECK(parse_softnet(text).error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("softnet growth wraps at 2^32 and follows the CPU, not the line")
{
    const auto before = parse_softnet("fffffffe 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n5 0 0 0 0 0 0 0 0 0 0 0 2 0 0\n").value();
    auto now = parse_softnet("2 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n9 0 0 0 0 0 0 0 0 0 0 0 1 0 0\n"
                             "7 0 1 0 0 0 0 0 0 0 0 0 2 0 0\n")
                   .value();
    grow_since(now, before);
    CHECK(now[0].processed.growth == 4);
    CHECK(now[1].processed.growth == 0); // CPU 1 came online in between: nobody knows since when it counted
    CHECK(now[2].processed.growth == 2);
    CHECK(now[2].time_squeeze.growth == 1);
}
