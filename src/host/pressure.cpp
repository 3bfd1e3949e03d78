// SPDX-License-Identifier: GPL-2.0-or-later
// Pressure stall information: how long tasks waited for CPU, memory and disks (Documentation/accounting/psi.rst).
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

#include <fmt/format.h>

namespace netwright::host {
namespace {

struct Stall {
    double avg10 = 0;
    std::uint64_t total_us = 0;
};

Result<Stall> parse_stall(std::string_view rest)
{
    Stall stall;
    bool average = false, total = false;
    for (std::string_view word; next_word(rest, word);) {
        if (word.starts_with("avg10=")) {
            stall.avg10 = TRY(parse_double(word.substr(6)));
            average = stall.avg10 >= 0 && stall.avg10 <= 100; // refuses nan as well
        } else if (word.starts_with("total=")) {
            stall.total_us = TRY(parse_unsigned(word.substr(6)));
            total = true;
        }
    }
    if (!average || !total) return fail(Error::Kind::Malformed, "lacks avg10 (0 to 100) or total");
    return stall;
}

Result<Pressure> collect_one(const kernel::Kernel& kernel, std::string_view path)
{
    return in_file(parse_pressure(TRY(kernel.files.read(path))), kernel.files, path);
}

} // namespace

Result<Pressure> parse_pressure(std::string_view text)
{
    Pressure pressure;
    bool some = false;
    std::size_t number = 0;
    for (std::string_view line, word; next_line(text, line);) {
        ++number;
        if (!next_word(line, word)) continue;
        const bool full = word == "full"; // of the CPU only since 5.13
        if (!full && word != "some") return malformed_line(number, "neither some nor full");
        const auto stall = parse_stall(line);
        if (!stall) return malformed_line(number, stall.error().what);
        (full ? pressure.full_avg10 : pressure.some_avg10) = stall->avg10;
        (full ? pressure.full_total_us : pressure.some_total_us).total = stall->total_us;
        some = some || !full;
    }
    if (!some) return fail(Error::Kind::Malformed, "has no line 'some'");
    return pressure;
}

PressureSet collect_pressure(const kernel::Kernel& kernel)
{
    PressureSet set;
    set.cpu = collect_one(kernel, "proc/pressure/cpu");
    set.memory = collect_one(kernel, "proc/pressure/memory");
    set.io = collect_one(kernel, "proc/pressure/io");
    return set;
}

} // namespace netwright::host
