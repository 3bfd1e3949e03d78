// SPDX-License-Identifier: GPL-2.0-or-later
// Distributions of what sockets report. Buckets are log-linear, as in HDR histograms: values below 8 have a bucket of
// their own, every doubling above is cut into four equal steps. The middle of a step is at most 12.5 % off.
#include "model/sockets.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace netwright {
namespace {

constexpr unsigned step_bits = 2; // log2 of Distribution::steps
static_assert(1U << step_bits == Distribution::steps);
constexpr unsigned bucket_limit = (64 - step_bits + 1) * Distribution::steps;

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b)
{
    std::uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? ~std::uint64_t{0} : sum;
}

std::unexpected<Error> impossible(std::string_view why)
{
    return fail(Error::Kind::Malformed, fmt::format("a distribution {}", why));
}

} // namespace

unsigned Distribution::bucket_of(std::uint64_t value)
{
    if (value < steps) return static_cast<unsigned>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - step_bits - 1;
    return shift * steps + static_cast<unsigned>(value >> shift);
}

std::uint64_t Distribution::middle_of(unsigned bucket)
{
    if (bucket < steps * 2) return bucket;
    const unsigned shift = bucket / steps - 1;
    const std::uint64_t lowest = static_cast<std::uint64_t>(bucket - shift * steps) << shift;
    return lowest + (std::uint64_t{1} << (shift - 1));
}

void Distribution::add(std::uint64_t value)
{
    const unsigned bucket = bucket_of(value);
    if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
    ++buckets_[bucket];
    smallest_ = count_ == 0 ? value : std::min(smallest_, value);
    largest_ = std::max(largest_, value);
    sum_ = saturating_add(sum_, value);
    ++count_;
}

void Distribution::merge(const Distribution& other)
{
    if (other.count_ == 0) return;
    smallest_ = count_ == 0 ? other.smallest_ : std::min(smallest_, other.smallest_);
    largest_ = std::max(largest_, other.largest_);
    sum_ = saturating_add(sum_, other.sum_);
    count_ += other.count_;
    buckets_.resize(std::max(buckets_.size(), other.buckets_.size()));
    for (std::size_t i = 0; i < other.buckets_.size(); ++i)
        buckets_[i] += other.buckets_[i];
}

std::uint64_t Distribution::quantile(double share) const
{
    if (count_ == 0) return 0;
    const double rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
    if (rank <= 1) return smallest_;
    if (rank >= static_cast<double>(count_)) return largest_;
    const auto wanted = static_cast<std::uint64_t>(rank);
    std::uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < buckets_.size(); ++bucket) {
        seen += buckets_[bucket];
        if (seen >= wanted) return std::clamp(middle_of(bucket), smallest_, largest_);
    }
    return largest_;
}

Distribution::Parts Distribution::parts() const
{
    Parts parts{smallest_, largest_, sum_, {}};
    for (std::size_t i = 0; i < buckets_.size(); ++i)
        if (buckets_[i] != 0) parts.buckets.push_back({i, buckets_[i]});
    return parts;
}

Result<Distribution> Distribution::from(const Parts& parts)
{
    Distribution whole;
    if (parts.buckets.empty()) {
        if (parts.smallest != 0 || parts.largest != 0 || parts.sum != 0) return impossible("has values but no buckets");
        return whole;
    }
    for (const auto& [index, count] : parts.buckets) {
        if (index >= bucket_limit || index < whole.buckets_.size())
            return impossible(fmt::format("has its bucket {} out of order or range", index));
        if (count == 0) return impossible(fmt::format("lists the empty bucket {}", index));
        if (__builtin_add_overflow(whole.count_, count, &whole.count_)) return impossible("counts past 64 bits");
        whole.buckets_.resize(index + 1);
        whole.buckets_[index] = count;
    }
    if (parts.smallest > parts.largest || bucket_of(parts.smallest) != parts.buckets.front()[0] ||
        bucket_of(parts.largest) != parts.buckets.back()[0])
        return impossible("has extremes outside its buckets");
    whole.smallest_ = parts.smallest;
    whole.largest_ = parts.largest;
    whole.sum_ = parts.sum;
    // Doubles: the mean of values near 2^64 may be rounded past an extreme, and the sum may have saturated.
    const double slack = 1 + 1e-9;
    const bool saturated = parts.sum == ~std::uint64_t{0};
    if (whole.mean() > static_cast<double>(parts.largest) * slack ||
        (!saturated && whole.mean() * slack < static_cast<double>(parts.smallest)))
        return impossible("has a mean outside its extremes");
    return whole;
}

} // namespace netwright
