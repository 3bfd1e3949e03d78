// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a file of /proc/net/stat: no row is longer than the line of names, and every name can be asked for.
#include "host/stat_table.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto table = host::parse_stat_table(text);
    if (!table) {
        ENSURE(table.error().kind == Error::Kind::Malformed);
        return 0;
    }
    for (const auto& row : table->rows)
        ENSURE(row.size() <= table->columns.size());
    for (const std::string& column : table->columns) {
        ENSURE(!column.empty());
        (void)table->sum(column);
    }
    (void)table->at(table->rows.size(), "entries");
    return 0;
}
