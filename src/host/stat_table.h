// SPDX-License-Identifier: GPL-2.0-or-later
// The files of /proc/net/stat: a line of column names, then a line of hexadecimal numbers for each CPU.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::host {

struct StatTable {
    std::vector<std::string> columns;
    std::vector<std::vector<std::uint64_t>> rows; // one a CPU that may exist, each as long as `columns` or shorter

    Result<std::uint64_t> at(std::size_t row, std::string_view column) const; // Absent: no such column here
    Result<std::uint64_t> sum(std::string_view column) const;
    bool operator==(const StatTable&) const = default;
};

// Malformed: no head line, something that is no hexadecimal number, or more numbers than names.
Result<StatTable> parse_stat_table(std::string_view text);

} // namespace netwright::host
