// SPDX-License-Identifier: GPL-2.0-or-later
// Limits of the processes that hold listening sockets: descriptors, CPUs, cgroup.
#include "host/limits.h"

#include "base/text.h"
#include "host/collect.h"
#include "kernel/process_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <limits>
#include <set>

namespace netwright::host {
namespace {

Result<std::uint64_t> parse_limit(std::string_view word)
{
    return word == "unlimited" ? std::numeric_limits<std::uint64_t>::max() : parse_unsigned(word);
}

// Since 6.2 the directory's size is the number of its descriptors (fs/proc/fd.c proc_readfd_count); before, it is 0.
Result<std::uint64_t> count_descriptors(const kernel::Files& files, std::uint64_t pid)
{
    const std::string path = fmt::format("proc/{}/fd", pid);
    const Fd directory = TRY(files.open(path, O_RDONLY | O_DIRECTORY));
    struct stat status{};
    if (files.is_live() && ::fstat(directory.get(), &status) == 0 && status.st_size > 0)
        return static_cast<std::uint64_t>(status.st_size);
    return TRY(files.list(path)).size();
}

// The value behind "Name:\t" in /proc/PID/status.
Result<std::string_view> status_field(std::string_view text, std::string_view name)
{
    for (std::string_view line; next_line(text, line);)
        if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
            return trim(line.substr(name.size() + 1));
    return fail(Error::Kind::Absent, fmt::format("/proc/PID/status has no {}", name));
}

Result<CpuSet> cpus_allowed(const kernel::Files& files, std::uint64_t pid)
{
    const std::string text = TRY(files.read(fmt::format("proc/{}/status", pid)));
    return CpuSet::parse_list(TRY(status_field(text, "Cpus_allowed_list")));
}

Result<std::string> cgroup_of(const kernel::Files& files, std::uint64_t pid)
{
    return parse_cgroup(TRY(files.read(fmt::format("proc/{}/cgroup", pid))));
}

Result<DescriptorLimit> descriptor_limit(const kernel::Files& files, std::uint64_t pid)
{
    return parse_descriptor_limit(TRY(files.read(fmt::format("proc/{}/limits", pid))));
}

ProcessLimits limits_of(const kernel::Files& files, const SocketOwner& owner)
{
    ProcessLimits limits;
    limits.pid = owner.pid;
    limits.command = owner.command;
    limits.open_files = count_descriptors(files, owner.pid);
    if (const auto nofile = descriptor_limit(files, owner.pid)) {
        limits.nofile_soft = nofile->soft;
        limits.nofile_hard = nofile->hard;
    } else {
        limits.nofile_soft = limits.nofile_hard = std::unexpected(nofile.error());
    }
    limits.cpus_allowed = cpus_allowed(files, owner.pid);
    limits.cgroup = cgroup_of(files, owner.pid);
    return limits;
}

} // namespace

Result<DescriptorLimit> parse_descriptor_limit(std::string_view text)
{
    constexpr std::string_view name = "Max open files";
    for (std::string_view line; next_line(text, line);) {
        if (!line.starts_with(name)) continue;
        const auto words = split_words(line.substr(name.size()));
        if (words.size() < 2) return fail(Error::Kind::Malformed, fmt::format("/proc/PID/limits: '{}'", line));
        return DescriptorLimit{TRY(parse_limit(words[0])), TRY(parse_limit(words[1]))};
    }
    return fail(Error::Kind::Malformed, "/proc/PID/limits has no line 'Max open files'");
}

std::string parse_cgroup(std::string_view text)
{
    for (std::string_view line; next_line(text, line);)
        if (line.starts_with("0::")) return std::string(line.substr(3));
    return "/";
}

Result<std::vector<ProcessLimits>> collect_limits(const kernel::Kernel& kernel, const Result<SocketSummary>& sockets)
{
    if (!sockets) return std::unexpected(sockets.error());
    std::vector<ProcessLimits> all;
    std::set<std::uint64_t> known;
    for (const auto& listener : sockets->listeners)
        if (listener.owner && known.insert(listener.owner->pid).second)
            all.push_back(limits_of(kernel.files, *listener.owner));
    return all;
}

} // namespace netwright::host
