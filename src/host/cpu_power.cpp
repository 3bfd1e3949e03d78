// SPDX-License-Identifier: GPL-2.0-or-later
// How CPUs save power: frequency governor and idle states, CPUs that are set alike together.
#include "base/text.h"
#include "host/collect.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::host {
namespace {

std::string directory_of(unsigned cpu) { return fmt::format("sys/devices/system/cpu/cpu{}", cpu); }

Result<std::string> read_word(const kernel::Files& files, const std::string& path)
{
    const std::string text = TRY(files.read_line(path));
    return std::string(trim(text));
}

std::vector<IdleState> idle_states(const kernel::Files& files, unsigned cpu)
{
    std::vector<IdleState> states;
    for (unsigned number = 0;; ++number) {
        const std::string state = fmt::format("{}/cpuidle/state{}", directory_of(cpu), number);
        auto name = read_word(files, state + "/name");
        if (!name) return states;
        const std::string latency = files.read_line(state + "/latency").value_or("");
        const std::string disabled = files.read_line(state + "/disable").value_or("0");
        states.push_back({*std::move(name), parse_unsigned(trim(latency)).value_or(0), trim(disabled) == "0"});
    }
}

CpuPower power_of(const kernel::Files& files, unsigned cpu)
{
    CpuPower power;
    power.driver = read_word(files, directory_of(cpu) + "/cpufreq/scaling_driver");
    power.governor = read_word(files, directory_of(cpu) + "/cpufreq/scaling_governor");
    // The reason names one CPU's file; said once for all of them.
    const Error none{Error::Kind::Absent, "no frequency driver: in a guest its host decides", 0};
    if (!power.driver && power.driver.error().kind == none.kind) power.driver = std::unexpected(none);
    if (!power.governor && power.governor.error().kind == none.kind) power.governor = std::unexpected(none);
    power.idle_states = idle_states(files, cpu);
    return power;
}

bool alike(const CpuPower& a, const CpuPower& b)
{
    return a.driver == b.driver && a.governor == b.governor && a.idle_states == b.idle_states;
}

} // namespace

Result<std::vector<CpuPower>> collect_cpu_power(const kernel::Kernel& kernel, const CpuSet& online)
{
    std::vector<CpuPower> groups;
    for (const unsigned cpu : online.members()) {
        CpuPower power = power_of(kernel.files, cpu);
        auto group = std::ranges::find_if(groups, [&](const CpuPower& each) { return alike(each, power); });
        if (group == groups.end()) group = groups.insert(groups.end(), std::move(power));
        group->cpus.add(cpu);
    }
    return groups;
}

} // namespace netwright::host
