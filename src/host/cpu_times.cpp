// SPDX-License-Identifier: GPL-2.0-or-later
// Where each CPU's time went: the "cpuN" lines of /proc/stat (fs/proc/stat.c).
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

#include <fmt/format.h>

#include <array>

namespace netwright::host {
namespace {

constexpr std::array columns{&CpuTimes::user,   &CpuTimes::nice, &CpuTimes::system,  &CpuTimes::idle,
                             &CpuTimes::iowait, &CpuTimes::irq,  &CpuTimes::softirq, &CpuTimes::steal};

Result<CpuTimes> parse_cpu(std::string_view name, std::string_view rest)
{
    const auto number = parse_unsigned(name.substr(3));
    if (!number || *number >= CpuSet::limit)
        return fail(Error::Kind::Malformed, fmt::format("'{}' is not a CPU", name.substr(0, 64)));
    CpuTimes times;
    times.cpu = static_cast<unsigned>(*number);
    for (const auto column : columns) {
        std::string_view word;
        if (!next_word(rest, word)) return fail(Error::Kind::Malformed, "has fewer than 8 columns");
        (times.*column).total = TRY(parse_unsigned(word));
    }
    return times;
}

} // namespace

Result<std::vector<CpuTimes>> parse_cpu_times(std::string_view text)
{
    std::vector<CpuTimes> cpus;
    std::size_t number = 0;
    for (std::string_view line, name; next_line(text, line);) {
        ++number;
        if (!line.starts_with("cpu")) {
            if (!cpus.empty()) break; // they stand together, at the top
            continue;
        }
        next_word(line, name);
        if (name == "cpu") continue; // the sum
        auto times = parse_cpu(name, line);
        if (!times) return malformed_line(number, times.error().what);
        cpus.push_back(*times);
    }
    if (cpus.empty()) return fail(Error::Kind::Malformed, "holds no CPU");
    return cpus;
}

Result<std::vector<CpuTimes>> collect_cpu_times(const kernel::Kernel& kernel)
{
    return in_file(parse_cpu_times(TRY(kernel.files.read("proc/stat"))), kernel.files, "proc/stat");
}

} // namespace netwright::host
