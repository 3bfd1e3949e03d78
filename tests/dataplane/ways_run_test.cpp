// SPDX-License-Identifier: GPL-2.0-or-later
// What comparing ways is made of: CPUs, frames, counters. The ways themselves: tests/packet/paths_test.cpp.
#include "dataplane/ways_run.h"

#include <doctest/doctest.h>

#include <array>

using namespace netwright;
using namespace netwright::dataplane;

TEST_CASE("what is measured has a CPU besides the generator's where there are two")
{
    CHECK((way_places(std::array{3}) == WayPlaces{3, 3, 3, 3}));
    CHECK((way_places(std::array{0, 4}) == WayPlaces{0, 4, 0, 4}));
    CHECK((way_places(std::array{0, 1, 2}) == WayPlaces{0, 1, 1, 2}));
    CHECK((way_places(std::array{2, 5, 7, 9}) == WayPlaces{2, 5, 5, 7}));
}

TEST_CASE("the frame that is measured with is a whole UDP datagram with a right checksum")
{
    const WayFrame frame = way_frame({2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1});
    CHECK(frame[5] == 2);
    CHECK(frame[11] == 1);
    std::uint32_t sum = 0;
    for (std::size_t i = 14; i < 34; i += 2)
        sum += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
    CHECK((sum & 0xffff) + (sum >> 16) == 0xffff); // RFC 1071
    CHECK((frame[16] << 8 | frame[17]) == 60 - 14);
    CHECK((frame[38] << 8 | frame[39]) == 60 - 14 - 20);
}

TEST_CASE("an nftables counter is read from how nft lists it")
{
    CHECK((parse_nft_counter("table ip ways {\n\tcounter dropped {\n\t\tpackets 1204 bytes 72240\n\t}\n}\n") ==
           Result<std::uint64_t>(1204)));
    for (const char* text : {"", "packets", "packets many bytes 0", "counter dropped {}"})
        CHECK_FALSE(parse_nft_counter(text));
}
