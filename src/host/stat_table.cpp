// SPDX-License-Identifier: GPL-2.0-or-later
// Reading /proc/net/stat. Columns come and go with kernel versions: only their names say what they are.
#include "host/stat_table.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::host {
namespace {

Result<std::vector<std::uint64_t>> parse_row(std::string_view line, std::size_t columns)
{
    std::vector<std::uint64_t> row;
    for (std::string_view word; next_word(line, word);)
        row.push_back(TRY(parse_hex(word)));
    if (row.size() > columns)
        return fail(Error::Kind::Malformed, fmt::format("{} numbers under {} names", row.size(), columns));
    return row;
}

} // namespace

Result<StatTable> parse_stat_table(std::string_view text)
{
    StatTable table;
    std::string_view line;
    if (!next_line(text, line) || trim(line).empty()) return fail(Error::Kind::Malformed, "no line of column names");
    for (const std::string_view name : split_words(line))
        table.columns.emplace_back(name);
    while (next_line(text, line))
        if (!trim(line).empty()) table.rows.push_back(TRY(parse_row(line, table.columns.size())));
    return table;
}

Result<std::uint64_t> StatTable::at(std::size_t row, std::string_view column) const
{
    const auto found = std::ranges::find(columns, column);
    const auto position = static_cast<std::size_t>(found - columns.begin());
    if (found == columns.end() || row >= rows.size() || position >= rows[row].size())
        return fail(Error::Kind::Absent, fmt::format("this kernel does not count {}", column));
    return rows[row][position];
}

Result<std::uint64_t> StatTable::sum(std::string_view column) const
{
    std::uint64_t total = 0;
    for (std::size_t row = 0; row < rows.size(); ++row)
        total += TRY(at(row, column));
    if (rows.empty()) return fail(Error::Kind::Absent, "no CPU's line");
    return total;
}

} // namespace netwright::host
