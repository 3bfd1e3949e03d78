// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/parse.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

TEST_CASE("names and values of /proc/net/snmp pair up, the group in front")
{
    std::vector<NamedCounter> counters;
    REQUIRE(parse_paired_counters("Tcp: MaxConn RetransSegs\nTcp: -1 42\nIcmpMsg: InType3\nIcmpMsg: 5\n", counters));
    CHECK(counters == std::vector<NamedCounter>{{"TcpRetransSegs", {42, 0}}, {"IcmpMsgInType3", {5, 0}}});
}

TEST_CASE("a group without names holds no counter")
{
    std::vector<NamedCounter> counters;
    REQUIRE(parse_paired_counters("MPTcpExt:\nMPTcpExt:\n", counters));
    CHECK(counters.empty());
}

TEST_CASE("counters that do not pair up are malformed, with the line")
{
    for (const char* text : {"Tcp: A B\nTcp: 1\n", "Tcp: A\nTcp: 1 2\n", "Tcp: A\n", "Tcp: A\nUdp: 1\n", "A B\nA 1\n",
                             "Tcp: A\nTcp: x\n", "Tcp: A\nTcp: -\n", "Tcp: A\nTcp: 18446744073709551616\n", "\n"}) {
        CAPTURE(text);
        std::vector<NamedCounter> counters;
        const auto parsed = parse_paired_counters(text, counters);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().kind == Error::Kind::Malformed);
        CHECK(parsed.error().what.starts_with("line "));
    }
}

TEST_CASE("listed counters are a name and a value on each line")
{
    std::vector<NamedCounter> counters;
    REQUIRE(parse_listed_counters("Udp6InErrors  \t18446744073709551615\nIp6X -3\n\n", counters));
    CHECK(counters == std::vector<NamedCounter>{{"Udp6InErrors", {~0ULL, 0}}});
    for (const char* text : {"Udp6InErrors\n", "a b\n", "a 1 2\n"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_listed_counters(text, counters));
    }
}
