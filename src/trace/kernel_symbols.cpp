// SPDX-License-Identifier: GPL-2.0-or-later
// One pass over /proc/kallsyms; its lines are not sorted (modules follow), so the nearest symbol below wins.
#include "trace/kernel_symbols.h"

#include "base/text.h"

#include <charconv>

namespace netwright::trace {
namespace {

struct Nearest {
    std::uint64_t address = 0;
    std::string_view name;
};

} // namespace

std::map<std::uint64_t, std::string> parse_symbols(std::string_view text, const std::set<std::uint64_t>& addresses)
{
    std::map<std::uint64_t, Nearest> nearest;
    for (const std::uint64_t address : addresses)
        nearest[address];
    for (std::string_view line; next_line(text, line);) {
        std::uint64_t address = 0;
        const auto parsed = std::from_chars(line.data(), line.data() + line.size(), address, 16);
        std::string_view rest(parsed.ptr, static_cast<std::size_t>(line.data() + line.size() - parsed.ptr));
        std::string_view type, name;
        if (parsed.ec != std::errc{} || address == 0 || !next_word(rest, type) || !next_word(rest, name)) continue;
        if (type != "t" && type != "T" && type != "w" && type != "W") continue;
        for (auto place = nearest.lower_bound(address); place != nearest.end(); ++place) {
            if (place->second.address >= address) break; // so have all targets above it
            place->second = {address, name};
        }
    }
    std::map<std::uint64_t, std::string> found;
    for (const auto& [address, symbol] : nearest)
        found[address] = symbol.name;
    return found;
}

Result<std::map<std::uint64_t, std::string>> find_symbols(const kernel::Files& files,
                                                          const std::set<std::uint64_t>& addresses)
{
    return parse_symbols(TRY(files.read("proc/kallsyms")), addresses);
}

} // namespace netwright::trace
