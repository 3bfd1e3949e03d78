// SPDX-License-Identifier: GPL-2.0-or-later
// Frequency governors and idle states of CPUs, files in sysfs (drivers/cpufreq/cpufreq.c, drivers/cpuidle/sysfs.c).
#include "base/text.h"
#include "tunable/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace netwright::tunable {
namespace {

using What = CpuSetting::What;

std::string directory_of(unsigned cpu) { return fmt::format("sys/devices/system/cpu/cpu{}", cpu); }

std::string path_of(const CpuSetting& cpu)
{
    return cpu.what == What::Governor ? directory_of(cpu.cpu) + "/cpufreq/scaling_governor"
                                      : fmt::format("{}/cpuidle/state{}/disable", directory_of(cpu.cpu), cpu.state);
}

std::unexpected<Error> absent(kernel::Kernel& kernel, const CpuSetting& cpu)
{
    const bool known = kernel.files.exists(directory_of(cpu.cpu));
    std::string why = fmt::format("there is no CPU {} here", cpu.cpu);
    if (known && cpu.what == What::Governor)
        why = fmt::format("CPU {} has no frequency governor (a guest's host decides, or no cpufreq driver)", cpu.cpu);
    if (known && cpu.what == What::IdleState)
        why = fmt::format("CPU {} has no idle state {} (in guests the host decides)", cpu.cpu, cpu.state);
    return fail(Error::Kind::Absent, std::move(why), ENOENT);
}

Result<void> check_governor(kernel::Kernel& kernel, const CpuSetting& cpu, const Value& value)
{
    const std::string names =
        TRY(kernel.files.read_line(directory_of(cpu.cpu) + "/cpufreq/scaling_available_governors"));
    const auto available = split_words(names);
    const auto* name = std::get_if<std::string>(&value);
    if (name && std::ranges::find(available, *name) != available.end()) return {};
    return fail(Error::Kind::Rejected, fmt::format("{}: '{}' is not a governor of this kernel, which has: {}",
                                                   to_text(Tunable(cpu)), to_text(value).substr(0, 64), names));
}

struct CpuKind : KindDefaults<CpuSetting> {
    static Present read(kernel::Kernel& kernel, const CpuSetting& cpu)
    {
        const auto text = kernel.files.read_line(path_of(cpu));
        if (!text && text.error().kind == Error::Kind::Absent) return absent(kernel, cpu);
        if (!text) return std::unexpected(text.error());
        // The file says "disabled"; ours says "may be entered".
        if (cpu.what == What::IdleState) return std::optional<Value>(std::string(trim(*text) == "0" ? "on" : "off"));
        return std::optional<Value>(std::string(trim(*text)));
    }

    static Result<void> check(kernel::Kernel& kernel, const CpuSetting& cpu, const Value& value)
    {
        TRY_VOID(require_host(kernel, cpu));
        if (!kernel.files.exists(path_of(cpu))) return absent(kernel, cpu);
        if (cpu.what == What::Governor) return check_governor(kernel, cpu, value);
        if (value == Value(std::string("on")) || value == Value(std::string("off"))) return {};
        return fail(Error::Kind::Rejected,
                    fmt::format("{} takes on or off, not '{}'", to_text(Tunable(cpu)), to_text(value).substr(0, 64)));
    }

    static Result<void> write(kernel::Kernel& kernel, const CpuSetting& cpu, const Value& value)
    {
        TRY_VOID(require_host(kernel, cpu));
        auto written = kernel.files.write(path_of(cpu), file_word(cpu, value) + '\n');
        if (written) return {};
        if (written.error().kind == Error::Kind::Absent) return absent(kernel, cpu);
        return write_failed(cpu, value, std::move(written).error());
    }

    // CPUs of one frequency domain share their governor.
    static std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const CpuSetting& cpu)
    {
        std::vector<Tunable> others;
        if (cpu.what != What::Governor) return others;
        const std::string words = kernel.files.read_line(directory_of(cpu.cpu) + "/cpufreq/affected_cpus").value_or("");
        for (const std::string_view word : split_words(words))
            if (const auto other = parse_unsigned(word); other && *other != cpu.cpu)
                others.emplace_back(CpuSetting{static_cast<unsigned>(*other), What::Governor, 0});
        return others;
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        if (!owns_host(kernel)) return found;
        const auto online = kernel.files.read_line("sys/devices/system/cpu/online");
        const auto cpus = online ? CpuSet::parse_list(*online) : Result<CpuSet>(CpuSet{});
        for (const unsigned cpu : cpus ? cpus->members() : std::vector<unsigned>{}) {
            add(kernel, {cpu, What::Governor, 0}, found);
            const auto states = kernel.files.list(directory_of(cpu) + "/cpuidle");
            for (unsigned state = 0; states && state < states->size(); ++state)
                add(kernel, {cpu, What::IdleState, state}, found);
        }
        return found;
    }

    static std::string undo_command(const CpuSetting& cpu, const std::optional<Value>& from)
    {
        return fmt::format("echo {} > /{}", shell_word(from ? file_word(cpu, *from) : ""), path_of(cpu));
    }

private:
    static std::string file_word(const CpuSetting& cpu, const Value& value)
    {
        if (cpu.what == What::Governor) return to_text(value);
        return value == Value(std::string("on")) ? "0" : "1";
    }
    static void add(kernel::Kernel& kernel, const CpuSetting& cpu, std::vector<Reading>& found)
    {
        if (auto value = read(kernel, cpu)) found.push_back({cpu, std::move(value)});
    }
};

} // namespace

constexpr Kind cpu_kind =
    kind_of<CpuKind>("cpu", "/sys/devices/system/cpu/cpuN/cpufreq/scaling_governor, …/cpuidle/stateK/disable");

} // namespace netwright::tunable
