// SPDX-License-Identifier: GPL-2.0-or-later
// What each CPU's receive softirq did. net/core/net-procfs.c: hexadecimal u32 columns, one line for each online CPU:
//   1 processed, 2 dropped, 3 time_squeeze, 4–8 zero, 9 cpu_collision (zero since 4.7), 10 received_rps (2.6.35),
//   11 flow_limit (3.10), 12 backlog and 13 CPU (5.10), 14 and 15 the parts of the backlog (6.4).
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"
#include "host/proc_net.h"

#include <fmt/format.h>

#include <array>

namespace netwright::host {
namespace {

constexpr std::size_t most_columns = 64; // only 15 are known; later ones are not ours to judge

struct Columns {
    std::array<std::uint32_t, 13> value{};
    std::size_t count = 0;
};

Result<Columns> parse_columns(std::string_view line)
{
    Columns columns;
    for (std::string_view word; next_word(line, word); ++columns.count) {
        const std::uint64_t value = TRY(parse_hex(word));
        if (value > 0xffffffffU || columns.count == most_columns)
            return fail(Error::Kind::Malformed, "not a line of 32-bit columns");
        if (columns.count < columns.value.size()) columns.value[columns.count] = static_cast<std::uint32_t>(value);
    }
    if (columns.count < 9) return fail(Error::Kind::Malformed, fmt::format("only {} columns", columns.count));
    return columns;
}

SoftnetCpu softnet_cpu(const Columns& columns, unsigned line)
{
    const auto& value = columns.value;
    SoftnetCpu cpu;
    cpu.cpu = columns.count >= 13 ? value[12] : line; // before 5.10 offline CPUs are skipped without a trace
    cpu.processed.total = value[0];
    cpu.dropped.total = value[1];
    cpu.time_squeeze.total = value[2];
    if (columns.count >= 10) cpu.received_rps.total = value[9];
    if (columns.count >= 11) cpu.flow_limit.total = value[10];
    if (columns.count >= 12) cpu.backlog = value[11];
    return cpu;
}

} // namespace

Result<std::vector<SoftnetCpu>> parse_softnet(std::string_view text)
{
    std::vector<SoftnetCpu> cpus;
    unsigned number = 0;
    for (std::string_view line; next_line(text, line); ++number) {
        const auto columns = parse_columns(line);
        if (!columns) return malformed_line(number + 1, columns.error().what);
        cpus.push_back(softnet_cpu(*columns, number));
        if (cpus.back().cpu >= CpuSet::limit) return malformed_line(number + 1, "no such CPU number");
    }
    if (cpus.empty()) return fail(Error::Kind::Malformed, "holds no CPU");
    return cpus;
}

Result<std::vector<SoftnetCpu>> collect_softnet(const kernel::Kernel& kernel)
{
    const std::string path = net_path(kernel.files, "softnet_stat");
    return in_file(parse_softnet(TRY(kernel.files.read(path))), kernel.files, path);
}

} // namespace netwright::host
