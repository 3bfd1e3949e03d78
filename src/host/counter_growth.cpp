// SPDX-License-Identifier: GPL-2.0-or-later
// Pairing two samples of the counters in /proc.
#include "host/counter_growth.h"

#include <algorithm>
#include <array>

namespace netwright::host {
namespace {

constexpr std::array softnet_counters{&SoftnetCpu::processed, &SoftnetCpu::dropped, &SoftnetCpu::time_squeeze,
                                      &SoftnetCpu::received_rps, &SoftnetCpu::flow_limit};
constexpr std::array time_counters{&CpuTimes::user,   &CpuTimes::nice, &CpuTimes::system,  &CpuTimes::idle,
                                   &CpuTimes::iowait, &CpuTimes::irq,  &CpuTimes::softirq, &CpuTimes::steal};

// The element of `earlier` with this key: mostly at the same place, as CPUs seldom change.
template <class T, class Key>
const T* partner(const std::vector<T>& earlier, std::size_t place, const Key& key, Key T::* member)
{
    if (place < earlier.size() && earlier[place].*member == key) return &earlier[place];
    const auto found = std::ranges::find(earlier, key, member);
    return found == earlier.end() ? nullptr : &*found;
}

// Interrupt counts are unsigned int (include/linux/kernel_stat.h) and wrap; but one freed and requested again starts
// at 0. Half the range tells them apart: 2^31 interrupts do not fit between two samples.
std::uint64_t growth_of_interrupt(std::uint64_t before, std::uint64_t after)
{
    const std::uint64_t growth = growth_u32(before, after);
    return growth > 0x7fffffffU ? 0 : growth;
}

// For each column of `now` its place in `earlier`, or -1.
std::vector<std::ptrdiff_t> paired_columns(const InterruptTable& now, const InterruptTable& earlier)
{
    std::vector<std::ptrdiff_t> places;
    places.reserve(now.cpus.size());
    for (const unsigned cpu : now.cpus) {
        const auto found = std::ranges::find(earlier.cpus, cpu);
        places.push_back(found == earlier.cpus.end() ? -1 : found - earlier.cpus.begin());
    }
    return places;
}

void grow_one(Result<Pressure>& now, const Result<Pressure>& earlier)
{
    if (!now || !earlier) return;
    now->some_total_us.growth = growth_u64(earlier->some_total_us.total, now->some_total_us.total);
    now->full_total_us.growth = growth_u64(earlier->full_total_us.total, now->full_total_us.total);
}

} // namespace

void grow_since(std::vector<SoftnetCpu>& now, const std::vector<SoftnetCpu>& earlier)
{
    for (std::size_t i = 0; i < now.size(); ++i) {
        const SoftnetCpu* const before = partner(earlier, i, now[i].cpu, &SoftnetCpu::cpu);
        for (const auto counter : softnet_counters)
            if (before) (now[i].*counter).growth = growth_u32((before->*counter).total, (now[i].*counter).total);
    }
}

void grow_since(std::vector<CpuTimes>& now, const std::vector<CpuTimes>& earlier)
{
    for (std::size_t i = 0; i < now.size(); ++i) {
        const CpuTimes* const before = partner(earlier, i, now[i].cpu, &CpuTimes::cpu);
        for (const auto counter : time_counters)
            if (before) (now[i].*counter).growth = growth_u64((before->*counter).total, (now[i].*counter).total);
    }
}

void grow_since(InterruptTable& now, const InterruptTable& earlier)
{
    const auto places = paired_columns(now, earlier);
    for (std::size_t row = 0; row < now.lines.size(); ++row) {
        InterruptLine& line = now.lines[row];
        const InterruptLine* const before = partner(earlier.lines, row, line.id, &InterruptLine::id);
        // An interrupt number given to another device in between is another interrupt.
        if (!before || before->description != line.description) continue;
        for (std::size_t i = 0; i < line.per_cpu.size() && i < places.size(); ++i) {
            const auto place = static_cast<std::size_t>(places[i]);
            if (places[i] < 0 || place >= before->per_cpu.size()) continue;
            line.per_cpu[i].growth = growth_of_interrupt(before->per_cpu[place].total, line.per_cpu[i].total);
        }
    }
}

void grow_since(PressureSet& now, const PressureSet& earlier)
{
    grow_one(now.cpu, earlier.cpu);
    grow_one(now.memory, earlier.memory);
    grow_one(now.io, earlier.io);
}

} // namespace netwright::host
