// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/units.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace std::chrono_literals;

TEST_CASE("the bandwidth-delay product is in bytes: 10 Gbit/s over 50 ms is 62.5 MB")
{
    CHECK(bandwidth_delay_product(10_Gbit, 50ms) == Bytes{62'500'000});
    CHECK(bandwidth_delay_product(10_Gbit, 10ms) == Bytes{12'500'000});
    CHECK(bandwidth_delay_product(1_Gbit, 100ms) == Bytes{12'500'000});
    CHECK(bandwidth_delay_product(10_Gbit, 500us) == Bytes{625'000});
}

TEST_CASE("a bandwidth-delay product too large for 64 bits saturates")
{
    CHECK(bandwidth_delay_product(BitRate{~0ULL}, std::chrono::hours{24}) == Bytes{~0ULL});
    CHECK(bandwidth_delay_product(10_Gbit, -1ms) == Bytes{0});
}

TEST_CASE("rates are read with decimal prefixes and written back")
{
    CHECK(parse_bit_rate("10Gbit") == Result<BitRate>(10_Gbit));
    CHECK(parse_bit_rate("2.5Gbit/s") == BitRate{2'500'000'000});
    CHECK(parse_bit_rate("1e9bit") == 1_Gbit);
    CHECK(to_text(BitRate{2'500'000'000}) == "2.5 Gbit/s");
    for (const char* bad : {"", "0", "-1Gbit", "10Gbyte", "fast", "1e30Gbit"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_bit_rate(bad));
    }
}

TEST_CASE("a rate without a unit is refused, and the refusal names the way out")
{
    for (const char* bare : {"10", "1000000", "1e9"}) {
        CAPTURE(bare);
        const auto rate = parse_bit_rate(bare);
        REQUIRE_FALSE(rate);
        CHECK(rate.error().kind == Error::Kind::Malformed);
        CHECK(rate.error().what.ends_with("the unit is missing (for example: 10Gbit, 500Mbit)"));
    }
}

TEST_CASE("durations need a unit")
{
    CHECK(parse_duration("50ms") == 50ms);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("7d") == 168h);
    CHECK_FALSE(parse_duration("50"));
    CHECK(duration_text(38ms) == "38 ms");
}

TEST_CASE("sizes show both decimal and binary units")
{
    CHECK(to_text(Bytes{62'500'000}) == "62.5 MB (59.6 MiB)");
    CHECK(parse_bytes("16MiB") == Bytes{16U << 20});
    CHECK(parse_bytes("64kB") == Bytes{64'000});
}
