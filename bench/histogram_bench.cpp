// SPDX-License-Identifier: GPL-2.0-or-later
// What recording one latency costs, in nanoseconds: the best and the median of 21 rounds, beside reading the clock
// once, which every latency needs twice.
#include "model/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t times = 1'000'000;

template <class Work>
void measure(const char* name, Work&& work)
{
    std::vector<double> rounds;
    for (int round = 0; round < 21; ++round) {
        const auto begin = Clock::now();
        work();
        rounds.push_back(std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / times);
    }
    std::ranges::sort(rounds);
    fmt::print("{:<16}{:6.2f} ns, median {:6.2f} ns\n", name, rounds.front(), rounds[rounds.size() / 2]);
}

} // namespace

int main()
{
    std::mt19937_64 random(1);
    std::lognormal_distribution<double> latency(11, 1); // some 60 us, with a tail
    std::vector<std::uint64_t> values(times);
    for (std::uint64_t& value : values)
        value = static_cast<std::uint64_t>(latency(random));
    netwright::Histogram histogram;
    measure("record", [&] {
        for (const std::uint64_t value : values)
            histogram.record(value);
    });
    Clock::duration sum{};
    measure("read the clock", [&] {
        for (std::size_t i = 0; i < times; ++i)
            sum += Clock::now().time_since_epoch();
    });
    return histogram.count() > 0 && sum.count() != 0 ? 0 : 1;
}
