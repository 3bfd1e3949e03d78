// SPDX-License-Identifier: GPL-2.0-or-later
// The statistics keep their promises on data whose truth is known: no more false alarms than stated, also when somebody
// looks after every pair; intervals that hold the truth; power to see what is there.
#include "measure/statistics.h"
#include "measure/verdict.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>

using namespace netwright;
using namespace netwright::measure;

namespace {

using Noise = std::function<double(std::mt19937_64&)>;

struct Source {
    const char* name;
    Noise noise; // of one measurement, on the logarithmic scale
};

// Latencies and throughputs as they come: well-behaved, heavy-tailed, two-moded, skewed, and nearly constant.
const std::vector<Source> sources{
    {"normal", [](auto& random) { return std::normal_distribution(0.0, 0.05)(random); }},
    {"cauchy", [](auto& random) { return std::cauchy_distribution(0.0, 0.05)(random); }},
    {"two modes",
     [](auto& random) { return (random() % 4 == 0 ? 0.5 : 0.0) + std::normal_distribution(0.0, 0.01)(random); }},
    {"skewed", [](auto& random) { return std::exponential_distribution(20.0)(random); }},
    {"ties", [](auto& random) { return static_cast<double>(random() % 3) / 10; }},
};

// A machine that gets slower: pairing and the drawn order must take that out.
std::vector<double> differences(std::mt19937_64& random, const Noise& noise, std::size_t pairs, double effect)
{
    std::vector<double> found;
    for (std::size_t i = 0; i < pairs; ++i) {
        const double first = noise(random), second = noise(random) - 0.03;
        const bool baseline_first = random() % 2 == 0;
        found.push_back(effect + (baseline_first ? second - first : first - second));
    }
    return found;
}

constexpr double level = 0.05;
constexpr std::size_t most_pairs = 30;

} // namespace

TEST_CASE("over 1,000 null experiments, looked at after every pair, a difference is claimed no more often than stated")
{
    for (const Source& source : sources) {
        CAPTURE(source.name);
        std::mt19937_64 random(42);
        int claims = 0, claims_up = 0;
        for (int experiment = 0; experiment < 1000; ++experiment) {
            const auto all = differences(random, source.noise, most_pairs, 0);
            for (std::size_t seen = 1; seen <= most_pairs; ++seen) {
                const std::span part(all.data(), seen);
                if (evidence(part) < 1 / level) continue;
                ++claims;
                claims_up += hodges_lehmann(part) > 0 ? 1 : 0;
                break;
            }
        }
        CHECK(claims <= level * 1000);
        CHECK(claims_up <= level * 1000); // "better" alone
    }
}

TEST_CASE("an effect of two standard deviations is nearly always found within thirty pairs, and soon")
{
    std::mt19937_64 random(7);
    int found = 0;
    std::size_t pairs_needed = 0;
    for (int experiment = 0; experiment < 200; ++experiment) {
        // Each difference of two measurements has 0.05 * sqrt(2) of noise, and the drift of 0.03 by lot.
        const auto all = differences(random, sources[0].noise, most_pairs, 0.15);
        for (std::size_t seen = 1; seen <= most_pairs; ++seen)
            if (evidence(std::span(all.data(), seen)) >= 1 / level) {
                ++found;
                pairs_needed += seen;
                break;
            }
    }
    CHECK(found >= 190);
    CHECK(pairs_needed <= static_cast<std::size_t>(found) * 15);
}

TEST_CASE("a plain difference needs seven or eight pairs, whatever its size")
{
    const std::vector<double> ups{1, 2, 1.5, 1.2, 3, 2.2, 1.1, 1.9};
    CHECK(evidence(std::span(ups.data(), 6)) < 1 / level);
    CHECK(evidence(ups) >= 1 / level);
    CHECK(evidence({}) == 1);
    CHECK(evidence(std::vector<double>(50, 0.0)) == 1); // no signs at all
}

TEST_CASE("intervals hold the true effect at least as often as stated")
{
    for (const Source& source : sources) {
        CAPTURE(source.name);
        std::mt19937_64 random(3);
        int held = 0;
        constexpr int experiments = 200;
        for (int experiment = 0; experiment < experiments; ++experiment)
            held += paired_interval(differences(random, source.noise, 20, 0.1), level).contains(0.1) ? 1 : 0;
        // 200 draws at 95 %: fewer than 182 happens by chance in less than one of a hundred thousand
        CHECK(held >= 182);
    }
}

TEST_CASE("an interval is unbounded while there is too little data, and closes around the estimate")
{
    const Interval none = paired_interval({}, level);
    CHECK(std::isinf(none.low));
    CHECK(std::isinf(none.high));
    const Interval few = paired_interval(std::vector<double>{1, 2, 3}, level);
    CHECK(std::isinf(few.low));
    CHECK(few.estimate == 2);
    std::vector<double> many;
    for (int i = 0; i < 40; ++i)
        many.push_back(1 + 0.01 * (i % 7));
    const Interval closed = paired_interval(many, level);
    CHECK(closed.low > 0.99);
    CHECK(closed.low <= closed.estimate);
    CHECK(closed.estimate <= closed.high);
    CHECK(closed.high < 1.07);
}

TEST_CASE("the Hodges-Lehmann estimate is the median of pairwise means")
{
    CHECK(hodges_lehmann({}) == 0);
    CHECK(hodges_lehmann(std::vector<double>{4}) == 4);
    CHECK(hodges_lehmann(std::vector<double>{1, 2, 9}) == doctest::Approx(3.5)); // 1 1.5 2 5 5.5 9
    CHECK(hodges_lehmann(std::vector<double>{1, 1, 1, 1, 1000}) == 1);
}

TEST_CASE("two independent samples of five are told apart exactly when they hardly overlap")
{
    const std::vector<double> low{1, 2, 3, 4, 5}, high{11, 12, 13, 14, 15};
    const Interval apart = unpaired_interval(low, high, level);
    CHECK(apart.estimate == 10);
    // Moses, n = m = 5: U < 3 has 4 of 252 arrangements, so the third shifts from the ends bound at 95 %.
    CHECK(apart.low == 7);
    CHECK(apart.high == 13);
    CHECK(unpaired_interval(low, low, level).contains(0));
    CHECK(std::isinf(unpaired_interval(std::vector<double>{1}, std::vector<double>{2}, level).low));
    CHECK(std::isinf(unpaired_interval({}, low, level).low));
}

TEST_CASE("unpaired false alarms stay below the level")
{
    for (const Source& source : sources) {
        CAPTURE(source.name);
        std::mt19937_64 random(11);
        int claims = 0;
        for (int experiment = 0; experiment < 1000; ++experiment) {
            std::vector<double> before, after;
            for (int i = 0; i < 6; ++i) {
                before.push_back(source.noise(random));
                after.push_back(source.noise(random));
            }
            claims += unpaired_interval(before, after, level).contains(0) ? 0 : 1;
        }
        CHECK(claims <= 60); // the exact level is 0.041: three standard deviations of 1,000 draws above it
    }
}

TEST_CASE("a verdict says better, worse, no difference or not enough data")
{
    const auto pairs = [](double ratio, std::size_t count) {
        std::vector<Pair> made;
        for (std::size_t i = 0; i < count; ++i) {
            const double base = 100 + static_cast<double>(i % 5);
            made.push_back({base, base * ratio * (1 + 0.001 * static_cast<double>(i % 3))});
        }
        return made;
    };
    const Yardstick throughput{"throughput", Direction::Higher, Scale::Ratio};
    const Yardstick latency{"latency", Direction::Lower, Scale::Ratio};
    CHECK(judge(throughput, pairs(1.5, 10)).outcome == Outcome::Better);
    CHECK(judge(latency, pairs(1.5, 10)).outcome == Outcome::Worse);
    CHECK(judge(latency, pairs(0.7, 10)).outcome == Outcome::Better);
    CHECK(judge(throughput, pairs(0.7, 10)).outcome == Outcome::Worse);
    CHECK(judge(throughput, pairs(1.5, 4)).outcome == Outcome::NotEnoughData);
    CHECK(judge(throughput, std::vector<Pair>{}).outcome == Outcome::NotEnoughData);
    CHECK(judge(throughput, pairs(1.5, 10)).effect.estimate == doctest::Approx(0.5).epsilon(0.01));
    // A difference that is certain but does not matter is no difference.
    CHECK(judge(throughput, pairs(1.005, 20)).outcome == Outcome::NoDifference);
    CHECK(judge(throughput, pairs(1, 20)).outcome == Outcome::NoDifference);
}

TEST_CASE("values that mean nothing are not counted")
{
    const Yardstick ratio{"throughput", Direction::Higher, Scale::Ratio};
    std::vector<Pair> pairs(20, Pair{0, 100}); // nothing came through: no ratio
    pairs.push_back({std::nan(""), 1});
    const Verdict none = judge(ratio, pairs);
    CHECK(none.outcome == Outcome::NotEnoughData);
    CHECK(none.values == 0);
    const Yardstick difference{"loss", Direction::Lower, Scale::Difference, 0.1};
    CHECK(judge(difference, std::vector<Pair>(20, Pair{0, 0})).outcome == Outcome::NoDifference);
    CHECK(judge(difference, std::vector<Pair>(20, Pair{0, 5})).outcome == Outcome::Worse);
}

TEST_CASE("an effect is told as a ratio or a difference")
{
    Verdict verdict;
    CHECK(effect_text(verdict) == "1 x (? to ?)");
    verdict.effect = {0.79, 0.82, 0.85};
    CHECK(effect_text(verdict) == "1.82 x (1.79 to 1.85)");
    verdict.scale = Scale::Difference;
    CHECK(effect_text(verdict) == "+0.82 (+0.79 to +0.85)");
}
