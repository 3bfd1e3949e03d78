// SPDX-License-Identifier: GPL-2.0-or-later
// Histograms of latencies: precise at every size, mergeable, and suspicious of parts that come from elsewhere.
#include "model/histogram.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace netwright;

TEST_CASE("an empty histogram tells nothing but zeros")
{
    const Histogram empty;
    CHECK(empty.count() == 0);
    CHECK(empty.quantile(0.5) == 0);
    CHECK(empty.smallest() == 0);
    CHECK(empty.largest() == 0);
    CHECK(empty.mean() == 0);
    CHECK(empty.filled().empty());
}

TEST_CASE("small values are kept exactly")
{
    Histogram histogram;
    for (std::uint64_t value = 0; value < 256; ++value)
        histogram.record(value);
    CHECK(histogram.quantile(0.5) == 127);
    CHECK(histogram.quantile(0.25) == 63);
    CHECK(histogram.quantile(0) == 0);
    CHECK(histogram.quantile(1) == 255);
}

TEST_CASE("every value is known to better than 0.4 %")
{
    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t value = random() >> (random() % 64);
        Histogram histogram;
        histogram.record(0); // keeps the extremes from clamping the answer
        histogram.record(value);
        histogram.record(~std::uint64_t{0});
        const auto seen = static_cast<double>(histogram.quantile(0.5));
        CAPTURE(value);
        CHECK(std::abs(seen - static_cast<double>(value)) <= 0.004 * static_cast<double>(value));
    }
}

TEST_CASE("quantiles of a uniform sample are where they should be")
{
    Histogram histogram;
    for (std::uint64_t value = 1; value <= 1'000'000; ++value)
        histogram.record(value);
    for (const double share : {0.5, 0.9, 0.99, 0.999, 0.9999})
        CHECK(static_cast<double>(histogram.quantile(share)) == doctest::Approx(share * 1e6).epsilon(0.004));
    CHECK(histogram.largest() == 1'000'000);
    CHECK(histogram.mean() == doctest::Approx(500'000.5));
    CHECK(histogram.deviation() == doctest::Approx(1e6 / std::sqrt(12.0)).epsilon(0.001));
}

TEST_CASE("merging gives what recording everything in one place gives")
{
    Histogram one, two, both;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        (i % 3 == 0 ? one : two).record(i * i);
        both.record(i * i);
    }
    one.merge(two);
    CHECK(one == both);
    one.merge(Histogram());
    CHECK(one == both);
}

TEST_CASE("a histogram reads back from its parts, and impossible parts are refused")
{
    Histogram histogram;
    histogram.record(17);
    histogram.record(1'000'003, 5);
    const auto parts = histogram.parts();
    CHECK((Histogram::from(parts) == Result<Histogram>(histogram)));
    CHECK((Histogram::from({}) == Result<Histogram>(Histogram())));

    const auto refused = [&](auto spoil) {
        auto spoiled = parts;
        spoil(spoiled);
        return !Histogram::from(spoiled);
    };
    CHECK(refused([](auto& p) { p.buckets[0][1] = 0; }));
    CHECK(refused([](auto& p) { p.buckets[1][0] = Histogram::bucket_limit; }));
    CHECK(refused([](auto& p) { std::swap(p.buckets[0], p.buckets[1]); }));
    CHECK(refused([](auto& p) { p.buckets.push_back(p.buckets.back()); }));
    CHECK(refused([](auto& p) { p.buckets[0][1] = ~std::uint64_t{0}; }));
    CHECK(refused([](auto& p) { p.smallest = 3; }));
    CHECK(refused([](auto& p) { p.largest = 3; }));
    CHECK(refused([](auto& p) { p.sum = 0; }));
    CHECK(refused([](auto& p) { p.sum = std::nan(""); }));
    CHECK(refused([](auto& p) { p.buckets.clear(); }));
}
