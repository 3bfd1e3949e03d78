// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/sockets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace netwright;

namespace {

Distribution of(std::initializer_list<std::uint64_t> values)
{
    Distribution distribution;
    for (const auto value : values)
        distribution.add(value);
    return distribution;
}

// Every size from single digits to all 64 bits.
std::vector<std::uint64_t> wild_values(std::size_t count, unsigned seed)
{
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> values(count);
    for (auto& value : values)
        value = random() >> (random() % 64);
    return values;
}

} // namespace

TEST_CASE("an empty distribution answers 0 to everything")
{
    const Distribution none;
    CHECK(none.count() == 0);
    CHECK(none.mean() == 0);
    CHECK(none.smallest() == 0);
    CHECK(none.largest() == 0);
    CHECK(none.quantile(0.5) == 0);
}

TEST_CASE("values below 8 are kept exactly")
{
    const auto small = of({0, 1, 2, 3, 4, 5, 6, 7});
    for (std::uint64_t i = 1; i <= 8; ++i)
        CHECK(small.quantile(static_cast<double>(i) / 8) == i - 1);
}

TEST_CASE("a quantile is within 12.5 % of the sorted values, the extremes and the mean are exact")
{
    auto values = wild_values(20'000, 7);
    Distribution distribution;
    long double sum = 0;
    for (auto& value : values) {
        value >>= 20; // keeps the sum inside 64 bits
        distribution.add(value);
        sum += static_cast<long double>(value);
    }
    std::ranges::sort(values);
    CHECK(distribution.quantile(0) == values.front());
    CHECK(distribution.quantile(1) == values.back());
    CHECK(distribution.mean() == doctest::Approx(static_cast<double>(sum / 20'000)));
    for (const double share : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999}) {
        CAPTURE(share);
        const auto exact = static_cast<double>(values[static_cast<std::size_t>(share * 20'000) - 1]);
        const auto told = static_cast<double>(distribution.quantile(share));
        CHECK(std::abs(told - exact) <= exact * 0.125);
    }
}

TEST_CASE("a share outside 0 to 1 means the nearest extreme")
{
    CHECK(of({10, 20, 30}).quantile(-1) == 10);
    CHECK(of({10, 20, 30}).quantile(7) == 30);
}

TEST_CASE("merging two halves equals adding the whole")
{
    const auto values = wild_values(1'000, 3);
    Distribution whole, left, right;
    for (std::size_t i = 0; i < values.size(); ++i) {
        whole.add(values[i]);
        (i % 3 == 0 ? left : right).add(values[i]);
    }
    left.merge(right);
    CHECK(left == whole);
    left.merge(Distribution{});
    CHECK(left == whole);
    Distribution fresh;
    fresh.merge(whole);
    CHECK(fresh == whole);
}

TEST_CASE("the parts of a distribution read back as the same value")
{
    for (unsigned seed = 0; seed < 50; ++seed) {
        Distribution distribution;
        for (const auto value : wild_values(seed, seed))
            distribution.add(value);
        const auto again = Distribution::from(distribution.parts());
        REQUIRE(again);
        CHECK(*again == distribution);
    }
    const auto largest = of({~0ULL, ~0ULL, 0}); // the sum saturates
    REQUIRE(Distribution::from(largest.parts()));
    CHECK(*Distribution::from(largest.parts()) == largest);
}

TEST_CASE("parts that no values could have given are malformed")
{
    const Distribution::Parts good = of({10, 20, 4000}).parts();
    REQUIRE(Distribution::from(good));
    const auto broken = [&](auto damage) {
        auto parts = good;
        damage(parts);
        const auto read = Distribution::from(parts);
        return !read && read.error().kind == Error::Kind::Malformed;
    };
    CHECK(broken([](auto& p) { p.buckets.clear(); }));
    CHECK(broken([](auto& p) { std::swap(p.buckets[0], p.buckets[1]); }));
    CHECK(broken([](auto& p) { p.buckets[2][0] = 252; }));
    CHECK(broken([](auto& p) { p.buckets[2][0] = ~0ULL; }));
    CHECK(broken([](auto& p) { p.buckets[1][1] = 0; }));
    CHECK(broken([](auto& p) { p.buckets[1][1] = ~0ULL; }));
    CHECK(broken([](auto& p) { p.smallest = 1; }));
    CHECK(broken([](auto& p) { p.largest = 1 << 20; }));
    CHECK(broken([](auto& p) { p.smallest = 5000; }));
    CHECK(broken([](auto& p) { p.sum = 1 << 20; }));
    CHECK(broken([](auto& p) { p.sum = 3; }));
}
