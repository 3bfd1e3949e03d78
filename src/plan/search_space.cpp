// SPDX-License-Identifier: GPL-2.0-or-later
// From the catalogue's safe range to a ladder of values.
#include "plan/search_space.h"

#include "catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace netwright::plan {
namespace {

using Numbers = std::vector<std::int64_t>;
constexpr std::int64_t most_codes = 8;    // a range so narrow, without a unit, holds codes and not quantities
constexpr std::int64_t memory_share = 16; // no buffer tried is larger than this part of the memory

std::unexpected<Error> refused(const SearchQuestion& question, std::string_view why)
{
    return fail(Error::Kind::Rejected, fmt::format("{} cannot be searched: {}", to_text(question.tunable), why));
}

// The number that moves. Nothing: the value holds none.
std::optional<std::int64_t> moving(const Value& value)
{
    if (const auto* const number = std::get_if<std::int64_t>(&value)) return *number;
    if (const auto* const list = std::get_if<Numbers>(&value); list && !list->empty()) return list->back();
    return std::nullopt;
}

Value with(const Value& value, std::int64_t number)
{
    if (!std::holds_alternative<Numbers>(value)) return number;
    Numbers list = std::get<Numbers>(value);
    list.back() = number;
    return list;
}

bool is_close(std::int64_t a, std::int64_t b)
{
    if (a <= 0 || b <= 0) return a == b;
    return std::abs(std::log2(static_cast<double>(a) / static_cast<double>(b))) < 0.3;
}

// Doublings from `least` to `most`; where it begins with 0, that and five doublings up to `most`.
Numbers doublings(std::int64_t least, std::int64_t most)
{
    Numbers ladder;
    if (least <= 0) ladder.push_back(least);
    for (std::int64_t step = least > 0 ? least : std::max<std::int64_t>(1, most / 16); step < most; step *= 2)
        ladder.push_back(step);
    ladder.push_back(most);
    return ladder;
}

bool holds_codes(const catalog::Parameter& parameter)
{
    return parameter.type == catalog::Type::Boolean ||
           (parameter.unit.empty() && *parameter.search.most - *parameter.search.least <= most_codes);
}

Numbers ladder_of(const catalog::Parameter& parameter, const SearchQuestion& question)
{
    const std::int64_t least = *parameter.search.least;
    std::int64_t most = *parameter.search.most;
    if (holds_codes(parameter)) {
        Numbers codes;
        for (std::int64_t code = least; code <= most; ++code)
            codes.push_back(code);
        return codes;
    }
    if (parameter.type == catalog::Type::IntegerList && question.memory.count > 0)
        most = std::clamp(static_cast<std::int64_t>(question.memory.count) / memory_share, least, most);
    return doublings(least, most);
}

bool is_sensible(const SearchQuestion& question, const Value& value)
{
    if (question.memory.count == 0) return catalog::check(question.tunable, value).has_value();
    return catalog::check(question.tunable, value, question.memory, question.page).has_value();
}

Result<Dimension> of_numbers(const SearchQuestion& question, const catalog::Parameter& parameter)
{
    const auto now = moving(question.now);
    if (!now) return refused(question, "it holds no number now");
    if (!parameter.search.least || !parameter.search.most)
        return refused(question, "the catalogue knows no range that is safe to try");
    const auto formula = question.formula ? moving(*question.formula) : std::nullopt;
    Numbers all{*now};
    if (formula && *formula != *now && is_sensible(question, *question.formula)) all.push_back(*formula);
    const std::size_t fixed = all.size();
    for (const std::int64_t rung : ladder_of(parameter, question)) {
        const bool near = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(fixed),
                                      [&](std::int64_t one) { return is_close(one, rung); });
        if (!near && is_sensible(question, with(question.now, rung))) all.push_back(rung);
    }
    std::ranges::sort(all);
    Dimension dimension;
    dimension.tunable = question.tunable;
    dimension.ordered = !holds_codes(parameter);
    for (std::size_t i = 0; i < all.size(); ++i) {
        dimension.levels.push_back(with(question.now, all[i]));
        if (all[i] == *now) dimension.now = i;
    }
    dimension.formula = dimension.now;
    for (std::size_t i = 0; formula && i < all.size(); ++i)
        if (all[i] == *formula) dimension.formula = i;
    return dimension;
}

// Names: what the host has comes first.
Result<Dimension> of_names(const SearchQuestion& question)
{
    if (question.choices.empty()) return refused(question, "the kernel does not tell what could be chosen");
    Dimension dimension;
    dimension.tunable = question.tunable;
    dimension.ordered = false;
    dimension.levels.push_back(question.now);
    const auto add = [&](const Value& value) {
        if (std::ranges::find(dimension.levels, value) != dimension.levels.end()) return;
        if (is_sensible(question, value)) dimension.levels.push_back(value);
    };
    if (question.formula) add(*question.formula);
    for (const std::string& choice : question.choices)
        add(choice);
    const auto formula = std::ranges::find(dimension.levels, question.formula.value_or(question.now));
    if (formula != dimension.levels.end())
        dimension.formula = static_cast<std::size_t>(formula - dimension.levels.begin());
    return dimension;
}

} // namespace

Result<Dimension> dimension_of(const SearchQuestion& question)
{
    const catalog::Parameter* const parameter = catalog::find(question.tunable);
    if (!parameter) return refused(question, "the catalogue does not know it");
    if (parameter->policy != catalog::Policy::Conditional)
        return refused(question, fmt::format("netwright does not propose it ({})", parameter->tune));
    Dimension dimension =
        parameter->type == catalog::Type::Text ? TRY(of_names(question)) : TRY(of_numbers(question, *parameter));
    if (dimension.levels.size() < 2) return refused(question, "there is no other value to try");
    return dimension;
}

} // namespace netwright::plan
