// SPDX-License-Identifier: GPL-2.0-or-later
// Latencies counted in log-linear buckets, as HdrHistogram does: 128 steps a doubling, so that every value is known to
// better than 0.4 % whatever its size; recording is an increment. The extremes are kept exactly.
#pragma once

#include "base/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace netwright {

class Histogram {
public:
    static constexpr unsigned step_bits = 7;
    static constexpr unsigned bucket_limit = (64 - step_bits) * (1U << step_bits) + (1U << step_bits);

    Histogram() : buckets_(bucket_limit) {}

    void record(std::uint64_t value, std::uint64_t times = 1)
    {
        buckets_[bucket_of(value)] += times;
        count_ += times;
        sum_ += static_cast<double>(value) * static_cast<double>(times);
        smallest_ = std::min(smallest_, value);
        largest_ = std::max(largest_, value);
    }
    void merge(const Histogram& other);
    void clear() { *this = Histogram(); }

    std::uint64_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    std::uint64_t smallest() const { return empty() ? 0 : smallest_; }
    std::uint64_t largest() const { return largest_; }
    double mean() const { return empty() ? 0 : sum_ / static_cast<double>(count_); }
    double deviation() const; // standard deviation, from the buckets' middles
    // The smallest recorded value that at least `share` (0…1) of all values do not exceed, to within its bucket; 0 when
    // empty.
    std::uint64_t quantile(double share) const;

    struct Bucket {
        std::uint64_t from = 0, to = 0, count = 0; // holds from <= value < to; to saturates at 2^64-1
    };
    std::vector<Bucket> filled() const; // buckets that hold something, by value

    // For the JSON form: (bucket index, count) of buckets that hold something, and its inverse.
    struct Parts {
        std::uint64_t smallest = 0, largest = 0;
        double sum = 0;
        std::vector<std::array<std::uint64_t, 2>> buckets;
    };
    Parts parts() const;
    static Result<Histogram> from(const Parts& parts); // Malformed: no sequence of record() leads to these parts
    bool operator==(const Histogram&) const = default;

private:
    static constexpr unsigned bucket_of(std::uint64_t value)
    {
        const unsigned width = static_cast<unsigned>(std::bit_width(value));
        const unsigned shift = width > step_bits ? width - step_bits - 1 : 0;
        return (shift << step_bits) + static_cast<unsigned>(value >> shift);
    }
    static std::uint64_t first_of(unsigned bucket);
    static std::uint64_t middle_of(unsigned bucket);

    std::uint64_t count_ = 0, smallest_ = ~std::uint64_t{0}, largest_ = 0;
    double sum_ = 0;
    std::vector<std::uint64_t> buckets_;
};

} // namespace netwright
