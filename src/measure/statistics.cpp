// SPDX-License-Identifier: GPL-2.0-or-later
// Betting on signs, and the exact rank test of two samples.
#include "measure/statistics.h"

#include "base/median.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace netwright::measure {
namespace {

// Effects, in standard deviations of a difference, for which a strategy is best; 4 stakes nearly everything.
constexpr std::array strategies{0.25, 0.5, 1.0, 2.0, 4.0};

// The standard normal's quantile for p in (0.5, 1): Abramowitz and Stegun 26.2.23, off by less than 0.00045. It only
// shapes the stakes; any shape is valid.
double normal_quantile(double p)
{
    const double t = std::sqrt(-2 * std::log(1 - p));
    return t -
           (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
}

// Where `size` ranks among the sizes seen so far, itself included, within (0, 1); equal ones share their mean rank.
double rank_among(std::vector<double>& sorted, double size)
{
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), size);
    const auto below = static_cast<double>(first - sorted.begin());
    const auto equal = static_cast<double>(last - first);
    sorted.insert(first, size);
    return (below + (equal + 2) / 2) / (static_cast<double>(sorted.size()) + 1);
}

// What a bet on each sign has made of 1, for each strategy, when betting on plus and on minus.
struct Wealth {
    std::array<double, strategies.size()> plus, minus;
    Wealth()
    {
        plus.fill(1);
        minus.fill(1);
    }
    void bet(double score, bool positive)
    {
        for (std::size_t i = 0; i < strategies.size(); ++i) {
            const double stake = std::tanh(strategies[i] * score) * (positive ? 1 : -1);
            plus[i] *= 1 + stake;
            minus[i] *= 1 - stake;
        }
    }
    double total() const
    {
        double sum = 0;
        for (std::size_t i = 0; i < strategies.size(); ++i)
            sum += plus[i] + minus[i];
        return sum / (2.0 * strategies.size());
    }
};

std::vector<double> pairwise_means(std::span<const double> values)
{
    std::vector<double> means;
    means.reserve(values.size() * (values.size() + 1) / 2);
    for (std::size_t i = 0; i < values.size(); ++i)
        for (std::size_t j = i; j < values.size(); ++j)
            means.push_back((values[i] + values[j]) / 2);
    return means;
}

// The edge of the shifts that are not refuted, between `inside` and `outside`.
double edge(std::span<const double> differences, double inside, double outside, double refuted)
{
    for (int step = 0; step < 60 && inside != outside; ++step) {
        const double middle = inside + (outside - inside) / 2;
        if (middle == inside || middle == outside) break;
        (evidence(differences, middle) >= refuted ? outside : inside) = middle;
    }
    return outside;
}

// How many arrangements of m and n values have Mann-Whitney's U = 0, 1, …: U counts pairs in which the second sample's
// value is larger. Doubles hold the counts of any sizes we meet.
std::vector<double> mann_whitney_counts(std::size_t m, std::size_t n)
{
    // counts of i values of the first sample, rolled over j values of the second
    std::vector<std::vector<double>> rows(m + 1, std::vector<double>(m * n + 1, 0));
    for (auto& row : rows)
        row[0] = 1;
    for (std::size_t j = 1; j <= n; ++j)
        for (std::size_t i = 1; i <= m; ++i)
            for (std::size_t u = m * n + 1;
                 u-- > 0;) // the largest value is the second sample's (i pairs) or the first's
                rows[i][u] = (u >= i ? rows[i][u - i] : 0) + rows[i - 1][u];
    return std::move(rows[m]);
}

} // namespace

double evidence(std::span<const double> differences, double shift)
{
    Wealth wealth;
    std::vector<double> sizes;
    sizes.reserve(differences.size());
    for (const double difference : differences) {
        const double rest = difference - shift;
        if (rest == 0) continue; // no sign to bet on
        const double rank = rank_among(sizes, std::abs(rest));
        wealth.bet(normal_quantile((1 + rank) / 2), rest > 0);
    }
    return wealth.total();
}

double hodges_lehmann(std::span<const double> differences) { return median(pairwise_means(differences)); }

Interval paired_interval(std::span<const double> differences, double level)
{
    Interval interval;
    if (differences.empty()) return interval;
    interval.estimate = hodges_lehmann(differences);
    const double refuted = 1 / level;
    const auto [least, most] = std::ranges::minmax(differences);
    const double beyond = std::max(1e-12, 1e-9 * (most - least));
    // Beyond all differences every sign is the same: if that refutes nothing, no shift is refuted yet.
    if (evidence(differences, least - beyond) >= refuted)
        interval.low = edge(differences, interval.estimate, least - beyond, refuted);
    if (evidence(differences, most + beyond) >= refuted)
        interval.high = edge(differences, interval.estimate, most + beyond, refuted);
    return interval;
}

Interval unpaired_interval(std::span<const double> before, std::span<const double> after, double level)
{
    Interval interval;
    std::vector<double> shifts;
    for (const double then : before)
        for (const double now : after)
            shifts.push_back(now - then);
    if (shifts.empty()) return interval;
    std::ranges::sort(shifts);
    interval.estimate = median(shifts);
    const auto counts = mann_whitney_counts(before.size(), after.size());
    double all = 0;
    for (const double count : counts)
        all += count;
    // The largest k with P(U < k) <= level/2: the k-th shift from either end bounds the interval (Moses).
    double below = 0;
    std::size_t k = 0;
    while (k < counts.size() && below + counts[k] <= all * level / 2)
        below += counts[k++];
    if (k == 0) return interval;
    interval.low = shifts[k - 1];
    interval.high = shifts[shifts.size() - k];
    return interval;
}

} // namespace netwright::measure
