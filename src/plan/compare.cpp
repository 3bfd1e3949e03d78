// SPDX-License-Identifier: GPL-2.0-or-later
// Comparing values by meaning and by size.
#include "plan/compare.h"

#include <algorithm>

namespace netwright::plan {
namespace {

using Numbers = std::vector<std::int64_t>;

// Counts the elements of `to` that stand below (or above) those of `from`; nothing if they cannot be compared.
template <class Before>
std::optional<std::size_t> count_where(const std::optional<Value>& from, const std::optional<Value>& to, Before before)
{
    const auto a = numbers(from), b = numbers(to);
    if (!a || !b || a->size() != b->size()) return std::nullopt;
    std::size_t count = 0;
    for (std::size_t i = 0; i < a->size(); ++i)
        count += before((*b)[i], (*a)[i]) ? 1 : 0;
    return count;
}

} // namespace

bool same(const Tunable& tunable, const std::optional<Value>& a, const std::optional<Value>& b)
{
    if (a == b) return true;
    if (!a || !b) return false;
    const auto first = parse_value(tunable, to_text(*a)), second = parse_value(tunable, to_text(*b));
    return first && second && *first == *second;
}

std::optional<Numbers> numbers(const std::optional<Value>& value)
{
    if (!value) return std::nullopt;
    if (const auto* number = std::get_if<std::int64_t>(&*value)) return Numbers{*number};
    if (const auto* list = std::get_if<Numbers>(&*value)) return *list;
    return std::nullopt;
}

bool comparable(const std::optional<Value>& a, const std::optional<Value>& b)
{
    return count_where(a, b, std::less<>{}).has_value();
}

bool lowers(const std::optional<Value>& from, const std::optional<Value>& to)
{
    return count_where(from, to, std::less<>{}).value_or(0) > 0;
}

bool raises(const std::optional<Value>& from, const std::optional<Value>& to)
{
    return !lowers(from, to) && count_where(from, to, std::greater<>{}).value_or(0) > 0;
}

Value elementwise_most(const Value& a, const Value& b)
{
    Numbers most = *numbers(a);
    const Numbers other = *numbers(b);
    ENSURE(most.size() == other.size());
    std::ranges::transform(most, other, most.begin(), [](auto x, auto y) { return std::max(x, y); });
    if (std::holds_alternative<std::int64_t>(a)) return most.front();
    return most;
}

} // namespace netwright::plan
