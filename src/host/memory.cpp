// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory there is for buffers: /proc/meminfo.
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <map>

namespace netwright::host {
namespace {

using Table = std::map<std::string_view, std::uint64_t>;

// "MemTotal:  8131276 kB" as bytes, "HugePages_Total:  0" as a count.
Result<Table> parse_table(std::string_view text)
{
    Table table;
    std::size_t number = 0;
    for (std::string_view line; next_line(text, line);) {
        ++number;
        std::string_view name, value, unit;
        if (!next_word(line, name)) continue;
        if (!name.ends_with(':') || !next_word(line, value)) return malformed_line(number, "not a name and a value");
        const auto count = parse_unsigned(value);
        if (!count) return malformed_line(number, count.error().what);
        const bool kilobytes = next_word(line, unit) && unit == "kB";
        if (kilobytes && *count > UINT64_MAX / 1024) return malformed_line(number, "too large");
        table[name.substr(0, name.size() - 1)] = kilobytes ? *count * 1024 : *count;
    }
    return table;
}

std::uint64_t value_or_zero(const Table& table, std::string_view name)
{
    const auto found = table.find(name);
    return found == table.end() ? 0 : found->second;
}

// AT_PAGESZ of the auxiliary vector, the one file that holds the page size (include/uapi/linux/auxvec.h).
Bytes page_size(const kernel::Files& files)
{
    if (files.is_live()) return Bytes{static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
    const auto vector = files.read("proc/self/auxv");
    std::uint64_t pair[2];
    for (std::size_t at = 0; vector && at + sizeof pair <= vector->size(); at += sizeof pair) {
        std::memcpy(pair, vector->data() + at, sizeof pair);
        if (pair[0] == 6) return Bytes{pair[1]};
    }
    return Bytes{4096}; // a captured tree without it: every x86 and nearly every arm64 host
}

} // namespace

Result<Memory> parse_memory(std::string_view text)
{
    const Table table = TRY(parse_table(text));
    if (!table.contains("MemTotal")) return fail(Error::Kind::Malformed, "has no MemTotal");
    Memory memory;
    memory.total = Bytes{value_or_zero(table, "MemTotal")};
    // Before 3.14 there is no MemAvailable; what is free or cache comes close.
    memory.available =
        Bytes{table.contains("MemAvailable") ? value_or_zero(table, "MemAvailable")
                                             : value_or_zero(table, "MemFree") + value_or_zero(table, "Cached")};
    memory.huge_page_size = Bytes{value_or_zero(table, "Hugepagesize")};
    memory.huge_pages = value_or_zero(table, "HugePages_Total");
    return memory;
}

Result<Memory> collect_memory(const kernel::Kernel& kernel)
{
    const std::string text = TRY(kernel.files.read("proc/meminfo"));
    Memory memory = TRY(in_file(parse_memory(text), kernel.files, "proc/meminfo"));
    memory.page_size = page_size(kernel.files);
    return memory;
}

} // namespace netwright::host
