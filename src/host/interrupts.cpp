// SPDX-License-Identifier: GPL-2.0-or-later
// Interrupts and softirqs: a row each, a column a CPU (kernel/irq/proc.c, fs/proc/softirqs.c).
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

#include <fmt/format.h>

#include <optional>

namespace netwright::host {
namespace {

Result<std::vector<unsigned>> parse_heading(std::string_view line)
{
    std::vector<unsigned> cpus;
    for (std::string_view word; next_word(line, word);) {
        const auto number = word.starts_with("CPU") ? parse_unsigned(word.substr(3)) : unseen();
        if (!number || *number >= CpuSet::limit || cpus.size() == CpuSet::limit)
            return malformed_line(1, fmt::format("'{}' is not a CPU", word.substr(0, 64)));
        cpus.push_back(static_cast<unsigned>(*number));
    }
    if (cpus.empty()) return malformed_line(1, "names no CPU");
    return cpus;
}

// Blanks between words become one: the kernel pads them for the eye.
std::string squeeze(std::string_view text)
{
    std::string squeezed;
    for (std::string_view word; next_word(text, word);) {
        if (!squeezed.empty()) squeezed += ' ';
        squeezed += word;
    }
    return squeezed;
}

// Nothing for a row that has one total instead of a column a CPU: ERR and MIS (arch/x86/kernel/irq.c).
Result<std::optional<InterruptLine>> parse_row(std::string_view row, std::size_t columns)
{
    std::string_view id, word;
    if (!next_word(row, id)) return std::nullopt;
    if (!id.ends_with(':')) return fail(Error::Kind::Malformed, "has no name");
    id.remove_suffix(1);
    if (id == "ERR" || id == "MIS" || id == "Err") return std::nullopt;
    InterruptLine line;
    line.id = id;
    line.per_cpu.reserve(columns);
    while (line.per_cpu.size() < columns) {
        if (!next_word(row, word)) return fail(Error::Kind::Malformed, fmt::format("'{}' has too few columns", id));
        line.per_cpu.push_back({TRY(parse_unsigned(word)), 0});
    }
    line.description = squeeze(row);
    return line;
}

Result<InterruptTable> collect_table(const kernel::Kernel& kernel, std::string_view path)
{
    return in_file(parse_interrupts(TRY(kernel.files.read(path))), kernel.files, path);
}

} // namespace

Result<InterruptTable> parse_interrupts(std::string_view text)
{
    std::string_view line;
    if (!next_line(text, line)) return fail(Error::Kind::Malformed, "is empty");
    InterruptTable table;
    table.cpus = TRY(parse_heading(line));
    for (std::size_t number = 2; next_line(text, line); ++number) {
        auto row = parse_row(line, table.cpus.size());
        if (!row) return malformed_line(number, row.error().what);
        if (*row) table.lines.push_back(std::move(**row));
    }
    return table;
}

Result<InterruptTable> collect_interrupts(const kernel::Kernel& kernel)
{
    return collect_table(kernel, "proc/interrupts");
}

Result<InterruptTable> collect_softirqs(const kernel::Kernel& kernel) { return collect_table(kernel, "proc/softirqs"); }

} // namespace netwright::host
