// SPDX-License-Identifier: GPL-2.0-or-later
// Protocol counters of this network namespace: snmp, snmp6, netstat and their younger siblings.
#include "host/protocols.h"

#include "base/text.h"
#include "host/collect.h"
#include "host/proc_net.h"

#include <fmt/format.h>

#include <optional>

namespace netwright::host {
namespace {

// Nothing for a negative value, which no counter has.
Result<std::optional<std::uint64_t>> parse_count(std::string_view word)
{
    if (word.starts_with('-')) {
        TRY_VOID(parse_int(word));
        return std::nullopt;
    }
    return TRY(parse_unsigned(word));
}

} // namespace

Result<void> parse_paired_counters(std::string_view text, std::vector<NamedCounter>& counters)
{
    std::size_t number = 0;
    for (std::string_view names, values; next_line(text, names);) {
        number += 2;
        std::string_view group, repeated, name, value;
        if (!next_word(names, group) || !group.ends_with(':')) return malformed_line(number - 1, "no group name");
        if (!next_line(text, values) || !next_word(values, repeated) || repeated != group)
            return malformed_line(number, fmt::format("no values for the names of '{}'", group.substr(0, 64)));
        group.remove_suffix(1);
        while (next_word(names, name)) {
            if (!next_word(values, value)) return malformed_line(number, "fewer values than names");
            const auto count = parse_count(value);
            if (!count) return malformed_line(number, count.error().what);
            if (*count) counters.push_back({std::string(group).append(name), {**count, 0}});
        }
        if (next_word(values, value)) return malformed_line(number, "more values than names");
    }
    return {};
}

Result<void> parse_listed_counters(std::string_view text, std::vector<NamedCounter>& counters)
{
    std::size_t number = 0;
    for (std::string_view line; next_line(text, line);) {
        ++number;
        std::string_view name, value, more;
        if (!next_word(line, name)) continue;
        if (!next_word(line, value) || next_word(line, more)) return malformed_line(number, "not a name and a value");
        const auto count = parse_count(value);
        if (!count) return malformed_line(number, count.error().what);
        if (*count) counters.push_back({std::string(name), {**count, 0}});
    }
    return {};
}

Result<CounterTable> collect_protocols(const kernel::Kernel& kernel)
{
    std::vector<NamedCounter> counters;
    counters.reserve(512);
    std::string text;
    for (const ProtocolSource& source : protocol_sources) {
        const std::string path = net_path(kernel.files, source.file);
        const auto read = kernel.files.read_into(path, text);
        if (!read && read.error().kind == Error::Kind::Absent && !source.required) continue;
        TRY_VOID(read);
        TRY_VOID(in_file(source.parse(text, counters), kernel.files, path));
    }
    return CounterTable(std::move(counters));
}

} // namespace netwright::host
