// SPDX-License-Identifier: GPL-2.0-or-later
// The sysctl files that are applied at boot, in the order in which they are applied: the last one to name a key wins.
//
// systemd-sysctl gathers *.conf from five directories; of files with one name, only that in the first directory counts
// (a link to /dev/null there masks the rest); they are read sorted by name (sysctl.d(5)). It reads /etc/sysctl.conf
// only through a link such as 99-sysctl.conf. procps' `sysctl --system` and its init script do the same and read
// /etc/sysctl.conf last of all (sysctl(8)).
#include "host/sysctl_files.h"

#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"
#include "model/sysctl_line.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>

namespace netwright::host {
namespace {

constexpr std::string_view main_file = "etc/sysctl.conf";
constexpr std::size_t largest_file = 4U << 20;
constexpr std::size_t most_problems = 100; // what is no text at all has one a line

Result<SysctlFileText> read_settings(const kernel::Files& files, std::string_view path)
{
    const Fd file = TRY(files.open(path, O_PATH));
    struct stat status{};
    if (::fstat(file.get(), &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size > off_t{largest_file}))
        return fail(Error::Kind::Malformed, files.display(path) + ": is no file of settings");
    return parse_sysctl_file(TRY(files.read(path)));
}

std::string problem_of(std::string_view line, const SysctlLine& parts)
{
    if (line.size() > longest_sysctl_line) return "longer than any setting";
    if (line.find('\0') != std::string_view::npos) return "holds a NUL byte";
    return parts.kind == SysctlLine::Kind::Malformed ? parts.problem : "";
}

bool is_masked(const kernel::Files& files, const std::string& path)
{
    const auto target = files.link(path);
    return target && *target == "/dev/null";
}

// The directory each name is taken from. "lib" is "usr/lib" on merged hosts; its names are then all known already.
std::map<std::string, std::string_view> effective_names(const kernel::Files& files,
                                                        std::span<const std::string_view> directories)
{
    std::map<std::string, std::string_view> names;
    for (const std::string_view directory : directories) {
        const auto entries = files.list(directory);
        for (const std::string& name : entries.value_or(std::vector<std::string>{}))
            if (name.ends_with(".conf")) names.emplace(name, directory);
    }
    return names;
}

bool is_link_to_main_file(const kernel::Files& files, const std::string& path)
{
    const auto target = files.link(path);
    return target && (*target == "../sysctl.conf" || *target == "/etc/sysctl.conf");
}

Result<void> refused_directory(const kernel::Files& files)
{
    for (const std::string_view directory : sysctl_directories)
        if (const auto list = files.list(directory); !list && list.error().kind == Error::Kind::Refused)
            return std::unexpected(list.error());
    return {};
}

} // namespace

SysctlFileText parse_sysctl_file(std::string_view text)
{
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    SysctlFileText file;
    std::uint32_t number = 0;
    for (std::string_view line; next_line(text, line);) {
        ++number;
        const SysctlLine parts = parse_sysctl_line(line);
        const std::string problem = problem_of(line, parts);
        if (!problem.empty() && file.problems.size() < most_problems) file.problems.push_back({number, problem});
        if (!problem.empty() || parts.kind == SysctlLine::Kind::Blank) continue;
        file.settings.push_back({dotted_sysctl_key(parts.key), std::string(parts.value), number, parts.ignore_failure});
    }
    return file;
}

std::vector<std::string> effective_sysctl_files(const kernel::Files& files,
                                                std::span<const std::string_view> directories)
{
    std::vector<std::string> paths;
    for (const auto& [name, directory] : effective_names(files, directories))
        if (std::string path = fmt::format("{}/{}", directory, name); !is_masked(files, path))
            paths.push_back(std::move(path));
    return paths;
}

Result<std::vector<SystemSysctlFile>> system_sysctl_files(const kernel::Files& files)
{
    if (!files.exists("etc")) return fail(Error::Kind::Absent, files.display("etc") + " is not there");
    TRY_VOID(refused_directory(files));
    std::vector<SystemSysctlFile> found;
    bool linked = false;
    for (std::string& path : effective_sysctl_files(files, sysctl_directories)) {
        linked = linked || is_link_to_main_file(files, path);
        found.push_back({std::move(path), "systemd-sysctl"});
    }
    if (!linked && files.exists(main_file)) found.push_back({std::string(main_file), "procps"});
    return found;
}

Result<std::vector<SysctlFile>> collect_sysctl_files(const kernel::Kernel& kernel)
{
    std::vector<SysctlFile> found;
    const auto paths = TRY(system_sysctl_files(kernel.files));
    for (const auto& [path, read_by] : paths) {
        auto text = read_settings(kernel.files, path);
        SysctlFile file{.path = "/" + path, .read_by = std::string(read_by)};
        if (text) {
            file.settings = std::move(text->settings);
            file.problems = std::move(text->problems);
        } else {
            file.settings = std::unexpected(std::move(text).error());
        }
        found.push_back(std::move(file));
    }
    return found;
}

} // namespace netwright::host
