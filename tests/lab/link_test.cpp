// SPDX-License-Identifier: GPL-2.0-or-later
// Emulated links: rate, buffer, delay, loss and reordering, by arithmetic alone.
#include "lab/link.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::lab;
using namespace std::chrono_literals;

namespace {

LinkSettings plain()
{
    LinkSettings settings;
    settings.rate = BitRate{1'000'000'000};
    settings.delay = 10ms;
    settings.buffer = 125'000; // a millisecond
    return settings;
}

} // namespace

TEST_CASE("packets leave at the link's rate, and a delay later")
{
    Link link(plain(), 1);
    Nanos first = 0, second = 0;
    CHECK(link.admit(first, 1250) == Link::Fate::Passes); // 10 us at 1 Gbit/s
    CHECK(link.admit(second, 1250) == Link::Fate::Passes);
    CHECK(first == 10'010'000);
    CHECK(second == 10'020'000);
    Nanos later = 50'000'000; // the line is empty again
    CHECK(link.admit(later, 1250) == Link::Fate::Passes);
    CHECK(later == 60'010'000);
}

TEST_CASE("small packets add up to the rate, without rounding in anybody's favour")
{
    LinkSettings settings = plain();
    settings.rate = BitRate{3'000'000'000};
    settings.delay = 0ns;
    settings.buffer = 1U << 30;
    Link link(settings, 1);
    Nanos at = 0;
    for (int i = 0; i < 300'000; ++i) {
        at = 0;
        REQUIRE(link.admit(at, 100) == Link::Fate::Passes); // 266.67 ns
    }
    CHECK(at >= 79'999'999);
    CHECK(at <= 80'000'001);
}

TEST_CASE("a full buffer refuses, and takes again once it has room")
{
    Link link(plain(), 1);
    int passed = 0;
    for (int i = 0; i < 200; ++i) {
        Nanos at = 0;
        passed += link.admit(at, 1250) == Link::Fate::Passes ? 1 : 0;
    }
    CHECK(passed == 100);
    Nanos soon = 10'000; // one packet has gone
    CHECK(link.admit(soon, 1250) == Link::Fate::Passes);
    LinkSettings tiny = plain();
    tiny.buffer = 100;
    Link small(tiny, 1);
    Nanos at = 0;
    CHECK(small.admit(at, 1250) == Link::Fate::Passes); // an empty line takes any packet
}

TEST_CASE("losses come as often as asked, alone or in bursts")
{
    for (const double burst : {1.0, 5.0}) {
        CAPTURE(burst);
        LinkSettings settings;
        settings.loss = 0.02;
        settings.loss_burst = burst;
        Link link(settings, 7);
        int lost = 0, bursts = 0;
        bool before = false;
        constexpr int packets = 500'000;
        for (int i = 0; i < packets; ++i) {
            Nanos at = i;
            const bool gone = link.admit(at, 100) == Link::Fate::Lost;
            lost += gone ? 1 : 0;
            bursts += gone && !before ? 1 : 0;
            before = gone;
        }
        CHECK(lost == doctest::Approx(0.02 * packets).epsilon(0.08));
        CHECK(static_cast<double>(lost) / bursts == doctest::Approx(burst == 1 ? 1.0204 : 5).epsilon(0.08));
    }
}

TEST_CASE("jitter never lets packets overtake; reordering does, as often as asked")
{
    LinkSettings settings;
    settings.delay = 10ms;
    settings.jitter = 5ms;
    Link shaky(settings, 3);
    Nanos last = 0;
    for (int i = 0; i < 1000; ++i) {
        Nanos at = i * 1000;
        REQUIRE(shaky.admit(at, 100) == Link::Fate::Passes);
        CHECK(at >= last);
        CHECK(at >= i * 1000 + 10'000'000);
        CHECK(at <= 999'000 + 15'000'000);
        last = at;
    }
    settings.jitter = 0ns;
    settings.reorder = 0.1;
    Link mixing(settings, 3);
    int early = 0;
    for (int i = 0; i < 10'000; ++i) {
        Nanos at = 0;
        CHECK(mixing.admit(at, 100) == Link::Fate::Passes);
        early += at == 0 ? 1 : 0;
    }
    CHECK(early == doctest::Approx(1000).epsilon(0.15));
}

TEST_CASE("hops in a row add their delays, and the slowest sets the rate")
{
    LinkSettings fast = plain(), slow = plain();
    slow.rate = BitRate{100'000'000};
    slow.buffer = fast.buffer = 1U << 30;
    Chain chain({fast, slow}, 1);
    Nanos at = 0;
    for (int i = 0; i < 100; ++i) {
        at = 0;
        CHECK(chain.admit(at, 1250) == Link::Fate::Passes);
    }
    CHECK(at == 10'000 + 10'000'000 + 100 * 100'000 + 10'000'000);
}
