// SPDX-License-Identifier: GPL-2.0-or-later
// Reading files, directories and the host for lint.
#include "cli/lint_inputs.h"

#include "base/text.h"
#include "host/collect.h"
#include "host/sysctl_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace netwright::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_text = 64U << 20;

bool is_shipped(std::string_view path)
{
    return path.starts_with("/usr/lib/sysctl.d/") || path.starts_with("/lib/sysctl.d/");
}

// Only what ends: a pipe or device named by mistake would never.
SourceText read_source(const std::string& path)
{
    SourceText source{path == "-" ? "<stdin>" : path, {}, {}, is_shipped(path)};
    struct stat status{};
    if (path != "-" && ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
        source.problem = "is no file of settings";
        return source;
    }
    auto text = read_file(path, largest_text);
    if (text)
        source.text = *std::move(text);
    else
        source.problem = text.error().what;
    return source;
}

// Where a directory stands in sysctl.d's own order; others come first, in the order given.
std::size_t rank(const fs::path& directory)
{
    for (std::size_t i = 0; i < host::sysctl_directories.size(); ++i)
        if (directory == fs::path("/") / host::sysctl_directories[i]) return i + 1;
    return 0;
}

Result<std::vector<SourceText>> directory_sources(std::vector<std::string> named)
{
    const kernel::Files files = kernel::Files::live();
    std::vector<fs::path> directories;
    for (const std::string& one : named) {
        std::error_code problem;
        fs::path path = fs::absolute(one, problem).lexically_normal();
        if (problem) return fail(Error::Kind::Absent, fmt::format("{}: {}", one, problem.message()));
        if (!path.has_filename()) path = path.parent_path(); // "dir/"
        TRY_VOID(files.list(path.relative_path().string()));
        directories.push_back(std::move(path));
    }
    std::ranges::stable_sort(directories, {}, rank);
    std::vector<std::string> relative;
    for (const fs::path& directory : directories)
        relative.push_back(directory.relative_path().string());
    const std::vector<std::string_view> views(relative.begin(), relative.end());
    std::vector<SourceText> sources;
    for (const std::string& path : host::effective_sysctl_files(files, views))
        sources.push_back(read_source("/" + path));
    return sources;
}

std::set<std::string, std::less<>> boot_modules(const kernel::Files& files)
{
    constexpr std::array<std::string_view, 4> directories{"etc/modules-load.d", "run/modules-load.d",
                                                          "usr/local/lib/modules-load.d", "usr/lib/modules-load.d"};
    std::vector<std::string> paths = host::effective_sysctl_files(files, directories); // the same rules
    paths.emplace_back("etc/modules");
    std::set<std::string, std::less<>> modules;
    for (const std::string& path : paths) {
        const auto text = files.read(path);
        std::string_view rest = text ? std::string_view(*text) : std::string_view{};
        for (std::string_view line, word; next_line(rest, line);)
            if (next_word(line, word) && word.front() != '#' && word.front() != ';') modules.emplace(word);
    }
    return modules;
}

std::optional<unsigned> hz_of(const KernelFacts& facts)
{
    if (!facts.config) return std::nullopt;
    const auto option = std::ranges::find(*facts.config, "CONFIG_HZ", &ConfigOption::name);
    if (option == facts.config->end()) return std::nullopt;
    const auto hz = parse_unsigned(option->value);
    if (!hz || *hz == 0 || *hz > 10'000) return std::nullopt;
    return static_cast<unsigned>(*hz);
}

} // namespace

Result<std::vector<SourceText>> lint_sources(const std::vector<std::string>& paths)
{
    std::vector<std::string> directories;
    std::error_code ignored;
    const auto is_directory = [&](const std::string& path) { return path != "-" && fs::is_directory(path, ignored); };
    std::ranges::copy_if(paths, std::back_inserter(directories), is_directory);
    std::vector<SourceText> sources;
    bool merged = false;
    for (const std::string& path : paths) {
        if (!is_directory(path)) {
            sources.push_back(read_source(path));
            continue;
        }
        if (merged) continue;
        merged = true;
        auto found = TRY(directory_sources(directories));
        std::ranges::move(found, std::back_inserter(sources));
    }
    return sources;
}

Result<std::vector<SourceText>> system_lint_sources(const kernel::Kernel& kernel)
{
    const auto files = TRY(host::system_sysctl_files(kernel.files));
    std::vector<SourceText> sources;
    for (const auto& file : files) {
        if (kernel.files.is_live()) {
            sources.push_back(read_source("/" + file.path));
            continue;
        }
        auto text = kernel.files.read(file.path);
        sources.push_back(
            {"/" + file.path, text.value_or(""), text ? "" : text.error().what, is_shipped("/" + file.path)});
    }
    return sources;
}

Result<lint::Target> this_host(const kernel::Kernel& kernel)
{
    const KernelFacts facts = host::collect_kernel_facts(kernel);
    lint::Target target;
    target.kernel = TRY(facts.version);
    target.hz = hz_of(facts);
    if (const auto memory = host::collect_memory(kernel)) {
        target.memory = memory->total;
        if (memory->page_size.count) target.page = memory->page_size;
    }
    if (const auto names = kernel.files.list("sys/class/net")) target.interfaces.emplace(names->begin(), names->end());
    const SysctlTable sysctls = host::collect_sysctls(kernel);
    if (!sysctls.all().empty()) target.keys.emplace();
    for (const SysctlValue& one : sysctls.all())
        target.keys->insert(one.key);
    target.boot_modules = boot_modules(kernel.files);
    return target;
}

} // namespace netwright::cli
