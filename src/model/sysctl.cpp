// SPDX-License-Identifier: GPL-2.0-or-later
// Looking up sysctl values by key.
#include "model/sysctl.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright {
namespace {

Result<std::int64_t> number_in(std::string_view key, std::string_view word)
{
    auto number = parse_int(word);
    if (!number) return fail(Error::Kind::Malformed, fmt::format("{}: {}", key, number.error().what));
    return number;
}

} // namespace

SysctlTable::SysctlTable(std::vector<SysctlValue> values) : values_(std::move(values))
{
    std::ranges::stable_sort(values_, {}, &SysctlValue::key);
}

const SysctlValue* SysctlTable::find(std::string_view key) const
{
    const auto found = std::ranges::lower_bound(values_, key, {}, &SysctlValue::key);
    return found == values_.end() || found->key != key ? nullptr : &*found;
}

Result<std::string_view> SysctlTable::text(std::string_view key) const
{
    const SysctlValue* const found = find(key);
    if (!found) return fail(Error::Kind::Absent, fmt::format("{}: not in this kernel or namespace", key));
    if (!found->value) return std::unexpected(found->value.error());
    return std::string_view(*found->value);
}

Result<std::int64_t> SysctlTable::number(std::string_view key) const
{
    std::string_view rest = TRY(text(key)), word;
    if (!next_word(rest, word)) return fail(Error::Kind::Malformed, fmt::format("{}: is empty, not a number", key));
    return number_in(key, word);
}

Result<std::vector<std::int64_t>> SysctlTable::numbers(std::string_view key) const
{
    std::string_view rest = TRY(text(key));
    std::vector<std::int64_t> all;
    for (std::string_view word; next_word(rest, word);)
        all.push_back(TRY(number_in(key, word)));
    return all;
}

} // namespace netwright
