// SPDX-License-Identifier: GPL-2.0-or-later
// Packet rates and ways as people write them.
#include "model/ways.h"

#include <doctest/doctest.h>

using namespace netwright;

TEST_CASE("packet rates are numbers with k or M")
{
    CHECK((parse_packet_rate("2M") == Result<double>(2e6)));
    CHECK((parse_packet_rate(" 500k ") == Result<double>(5e5)));
    CHECK((parse_packet_rate("1.5M") == Result<double>(1.5e6)));
    CHECK((parse_packet_rate("800000") == Result<double>(8e5)));
    for (const char* text : {"", "0", "-1", "2G", "M", "2 MM", "nan", "inf", "1e300", "1001M", "2Mpps"}) {
        CAPTURE(text);
        const auto rate = parse_packet_rate(text);
        REQUIRE_FALSE(rate);
        CHECK(rate.error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("packet rates are told with three digits or so")
{
    CHECK(packet_rate_text(2.345e6) == "2.35 M/s");
    CHECK(packet_rate_text(999'600) == "1.00 M/s");
    CHECK(packet_rate_text(820'000) == "820 k/s");
    CHECK(packet_rate_text(0) == "0 k/s");
}

TEST_CASE("each way has a word that gives it back")
{
    for (const Way way : all_ways)
        CHECK((parse_way(word_of(way)) == Result<Way>(way)));
    CHECK_FALSE(parse_way("tap"));
}
