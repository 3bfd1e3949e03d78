// SPDX-License-Identifier: GPL-2.0-or-later
// Histograms: merging, quantiles, and the parts they travel as.
#include "model/histogram.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace netwright {
namespace {

std::unexpected<Error> impossible(std::string what)
{
    return fail(Error::Kind::Malformed, "a histogram " + std::move(what));
}

} // namespace

std::uint64_t Histogram::first_of(unsigned bucket)
{
    const unsigned steps = 1U << step_bits;
    if (bucket < 2 * steps) return bucket;
    const unsigned shift = (bucket >> step_bits) - 1;
    return (std::uint64_t{bucket & (steps - 1)} + steps) << shift;
}

std::uint64_t Histogram::middle_of(unsigned bucket)
{
    const std::uint64_t first = first_of(bucket);
    const std::uint64_t last = bucket + 1 < bucket_limit ? first_of(bucket + 1) - 1 : ~std::uint64_t{0};
    return first + (last - first) / 2;
}

void Histogram::merge(const Histogram& other)
{
    for (unsigned i = 0; i < bucket_limit; ++i)
        buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    smallest_ = std::min(smallest_, other.smallest_);
    largest_ = std::max(largest_, other.largest_);
}

double Histogram::deviation() const
{
    if (count_ < 2) return 0;
    double squares = 0;
    for (unsigned i = 0; i < bucket_limit; ++i)
        if (buckets_[i] != 0)
            squares += std::pow(static_cast<double>(middle_of(i)) - mean(), 2) * static_cast<double>(buckets_[i]);
    return std::sqrt(squares / static_cast<double>(count_ - 1));
}

std::uint64_t Histogram::quantile(double share) const
{
    if (empty()) return 0;
    const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
    if (wanted >= static_cast<double>(count_)) return largest_;
    const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
    std::uint64_t seen = 0;
    for (unsigned i = 0; i < bucket_limit; ++i)
        if ((seen += buckets_[i]) >= rank) return std::clamp(middle_of(i), smallest_, largest_);
    return largest_;
}

std::vector<Histogram::Bucket> Histogram::filled() const
{
    std::vector<Bucket> found;
    for (unsigned i = 0; i < bucket_limit; ++i) {
        if (buckets_[i] == 0) continue;
        const bool last = i + 1 == bucket_limit;
        found.push_back({first_of(i), last ? std::numeric_limits<std::uint64_t>::max() : first_of(i + 1), buckets_[i]});
    }
    return found;
}

Histogram::Parts Histogram::parts() const
{
    Parts parts{smallest(), largest_, sum_, {}};
    for (unsigned i = 0; i < bucket_limit; ++i)
        if (buckets_[i] != 0) parts.buckets.push_back({i, buckets_[i]});
    return parts;
}

Result<Histogram> Histogram::from(const Parts& parts)
{
    Histogram whole;
    if (parts.buckets.empty()) {
        if (parts.smallest != 0 || parts.largest != 0 || parts.sum != 0) return impossible("has values but no buckets");
        return whole;
    }
    std::uint64_t next = 0;
    for (const auto& [index, count] : parts.buckets) {
        if (index >= bucket_limit || index < next)
            return impossible(fmt::format("has its bucket {} out of order or range", index));
        if (count == 0) return impossible(fmt::format("lists the empty bucket {}", index));
        if (__builtin_add_overflow(whole.count_, count, &whole.count_)) return impossible("counts past 64 bits");
        whole.buckets_[index] = count;
        next = index + 1;
    }
    if (parts.smallest > parts.largest || bucket_of(parts.smallest) != parts.buckets.front()[0] ||
        bucket_of(parts.largest) != parts.buckets.back()[0])
        return impossible("has extremes outside its buckets");
    whole.smallest_ = parts.smallest;
    whole.largest_ = parts.largest;
    whole.sum_ = parts.sum;
    const double slack = 1 + 1e-9; // sums of doubles are rounded
    if (!std::isfinite(parts.sum) || whole.mean() > static_cast<double>(parts.largest) * slack ||
        whole.mean() * slack < static_cast<double>(parts.smallest))
        return impossible("has a mean outside its extremes");
    return whole;
}

} // namespace netwright
