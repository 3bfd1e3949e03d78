// SPDX-License-Identifier: GPL-2.0-or-later
// CPUs and NUMA nodes. sysfs knows; where it is not mounted (minimal containers) /proc/stat still names the CPUs.
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

#include <fmt/format.h>

namespace netwright::host {
namespace {

constexpr std::string_view cpu_directory = "sys/devices/system/cpu";

Result<CpuSet> read_list(const kernel::Files& files, const std::string& path)
{
    return in_file(CpuSet::parse_list(TRY(files.read_line(path))), files, path);
}

// For files that older kernels or architectures do not have: then there is no such CPU.
Result<CpuSet> read_list_if_any(const kernel::Files& files, const std::string& path)
{
    auto line = files.read_line(path);
    if (!line && line.error().kind == Error::Kind::Absent) return CpuSet{};
    // nohz_full prints "(null)" on kernels built for it but booted without (drivers/base/cpu.c).
    if (line && trim(*line) == "(null)") return CpuSet{};
    return in_file(CpuSet::parse_list(TRY(std::move(line))), files, path);
}

CpuSet set_of(const std::vector<CpuTimes>& cpus)
{
    CpuSet set;
    for (const CpuTimes& times : cpus)
        set.add(times.cpu);
    return set;
}

Result<CpuSet> online_cpus(const kernel::Kernel& kernel)
{
    auto online = read_list(kernel.files, fmt::format("{}/online", cpu_directory));
    if (!online && online.error().kind == Error::Kind::Absent) return set_of(TRY(collect_cpu_times(kernel)));
    return online;
}

// The cpuset of this process. A captured tree tells it only if the capturing process's status is in it.
Result<CpuSet> allowed_cpus(const kernel::Files& files)
{
    const std::string status = TRY(files.read("proc/self/status"));
    std::string_view rest = status, line, word;
    while (next_line(rest, line))
        if (next_word(line, word) && word == "Cpus_allowed_list:")
            return in_file(CpuSet::parse_list(line), files, "proc/self/status");
    return fail(Error::Kind::Absent, "read " + files.display("proc/self/status") + ": no Cpus_allowed_list");
}

unsigned read_number(const kernel::Files& files, const std::string& path)
{
    const auto line = files.read_line(path);
    const auto number = line ? parse_unsigned(*line) : unseen();
    return number && *number <= UINT32_MAX ? static_cast<unsigned>(*number) : 0; // "-1": the firmware does not say
}

Cpu collect_cpu(const kernel::Files& files, unsigned number)
{
    const std::string at = fmt::format("{}/cpu{}/topology", cpu_directory, number);
    Cpu cpu;
    cpu.number = number;
    cpu.package = read_number(files, at + "/physical_package_id");
    cpu.core = read_number(files, at + "/core_id");
    cpu.siblings = read_list(files, at + "/thread_siblings_list").value_or(CpuSet{});
    cpu.siblings.add(number);
    return cpu;
}

// Without NUMA in the kernel there is one node, 0.
Result<void> place_on_nodes(const kernel::Files& files, Topology& topology)
{
    const auto online = read_list(files, "sys/devices/system/node/online");
    if (!online && online.error().kind != Error::Kind::Absent) return std::unexpected(online.error());
    topology.nodes = online ? online->members() : std::vector<unsigned>{0};
    for (const unsigned node : topology.nodes) {
        const auto cpus = read_list_if_any(files, fmt::format("sys/devices/system/node/node{}/cpulist", node));
        for (Cpu& cpu : topology.cpus)
            if (cpus && cpus->contains(cpu.number)) cpu.node = node;
    }
    return {};
}

} // namespace

Result<Topology> collect_topology(const kernel::Kernel& kernel)
{
    const kernel::Files& files = kernel.files;
    Topology topology;
    topology.online = TRY(online_cpus(kernel));
    topology.possible = read_list(files, fmt::format("{}/possible", cpu_directory)).value_or(topology.online);
    topology.isolated = TRY(read_list_if_any(files, fmt::format("{}/isolated", cpu_directory)));
    topology.nohz_full = TRY(read_list_if_any(files, fmt::format("{}/nohz_full", cpu_directory)));
    topology.allowed = allowed_cpus(files).value_or(topology.online);
    for (const unsigned number : topology.online.members())
        topology.cpus.push_back(collect_cpu(files, number));
    TRY_VOID(place_on_nodes(files, topology));
    topology.governor = files.read_line(fmt::format("{}/cpu0/cpufreq/scaling_governor", cpu_directory));
    topology.power = collect_cpu_power(kernel, topology.online);
    return topology;
}

} // namespace netwright::host
