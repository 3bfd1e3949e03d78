// SPDX-License-Identifier: GPL-2.0-or-later
// Paths as flags and YAML write them, and what makes no sense.
#include "lab/lab.h"
#include "lab/path.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::lab;
using namespace std::chrono_literals;

namespace {

bool is_rejected(std::string HopWords::* word, const char* text)
{
    HopWords words;
    words.*word = text;
    return !parse_hop(words, words);
}

} // namespace

TEST_CASE("a hop is read from words")
{
    HopWords there;
    there.rate = "1Gbit";
    there.rtt = "50ms";
    there.loss = "0.1%";
    there.buffer = "1bdp";
    HopWords back = there;
    back.rate = "20Mbit";
    back.delay = "5ms";
    const auto hop = parse_hop(there, back);
    REQUIRE(hop);
    CHECK(hop->there.rate == BitRate{1'000'000'000});
    CHECK(hop->there.delay == 25ms);
    CHECK(hop->there.loss == doctest::Approx(0.001));
    CHECK(hop->there.buffer == 6'250'000);
    CHECK(hop->back.rate == BitRate{20'000'000});
    CHECK(hop->back.delay == 5ms);
}

TEST_CASE("words that make no sense are refused")
{
    CHECK(is_rejected(&HopWords::rate, "fast"));
    CHECK(is_rejected(&HopWords::rtt, "1m"));
    CHECK(is_rejected(&HopWords::loss, "100%"));
    CHECK(is_rejected(&HopWords::loss, "-1%"));
    CHECK(is_rejected(&HopWords::loss, "nan"));
    CHECK(is_rejected(&HopWords::loss_burst, "0.5"));
    CHECK(is_rejected(&HopWords::buffer, "1bdp")); // of what rate?
    CHECK_FALSE(is_rejected(&HopWords::loss, ""));
    CHECK_FALSE(settled(PathSettings{}));
    PathSettings path;
    path.hops.resize(1);
    path.mtu = 100;
    CHECK_FALSE(settled(path));
}

TEST_CASE("a buffer that nobody named holds one bandwidth-delay product")
{
    PathSettings path;
    path.hops.resize(2);
    path.hops[0].there.rate = BitRate{1'000'000'000};
    path.hops[0].there.delay = 10ms;
    path.hops[1].back.delay = 30ms;
    const auto whole = settled(path);
    REQUIRE(whole);
    CHECK(whole->hops[0].there.buffer == 5'000'000);
    CHECK(whole->hops[1].there.buffer == 64U << 10);
    CHECK((settled(*whole) == Result<PathSettings>(*whole)));
}

TEST_CASE("a path of several hops is read from YAML, and mistakes are told with their place")
{
    const auto path = path_from_yaml("hops:\n"
                                     "  - {rate: 1Gbit, rtt: 20ms}\n"
                                     "  - rate: 100Mbit\n"
                                     "    loss: 1%\n"
                                     "    loss-burst: 3\n"
                                     "    back: {rate: 10Mbit, loss: 0}\n"
                                     "mtu: 1400\n"
                                     "black-hole: 1300\n",
                                     "path.yaml");
    REQUIRE(path);
    REQUIRE(path->hops.size() == 2);
    CHECK(path->hops[0].back.delay == 10ms);
    CHECK(path->hops[1].there.loss_burst == 3);
    CHECK(path->hops[1].back.rate == BitRate{10'000'000});
    CHECK(path->hops[1].back.loss == 0);
    CHECK(path->mtu == 1400);
    CHECK(path->black_hole == 1300);
    const auto wrong = path_from_yaml("hops:\n  - {rate: 1Gbit, speed: 3}\n", "path.yaml");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().what.starts_with("path.yaml:2:"));
    CHECK_FALSE(path_from_yaml("hops: 3\n", "path.yaml"));
    CHECK_FALSE(path_from_yaml("", "path.yaml"));
}

TEST_CASE("a keeper's note reads back, and other text is none")
{
    const Note note{1234, 5678, "1 Gbit/s, 25 ms each way"};
    const auto again = parse_note(to_text(note));
    REQUIRE(again);
    CHECK(again->keeper == 1234);
    CHECK(again->started == 5678);
    CHECK(again->path == note.path);
    for (const char* text : {"", "12", "x 1", "0 1 a", "99999999999 1 a"})
        CHECK_FALSE(parse_note(text));
    CHECK(is_lab_name("my-lab2"));
    for (const char* name : {"", "../x", "a/b", "A", "a-name-that-is-much-too-long"})
        CHECK_FALSE(is_lab_name(name));
}
