// SPDX-License-Identifier: GPL-2.0-or-later
// The sysctl files that are applied at boot, in the order in which they are applied: the last one to name a key wins.
//
// systemd-sysctl gathers *.conf from five directories; of files with one name, only that in the first directory counts
// (a link to /dev/null there masks the rest); they are read sorted by name (sysctl.d(5)). It reads /etc/sysctl.conf
// only through a link such as 99-sysctl.conf. procps' `sysctl --system` and its init script do the same and read
// /etc/sysctl.conf last of all (sysctl(8)).
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>

namespace netwright::host {
namespace {

constexpr std::array<std::string_view, 5> directories{"etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d",
                                                      "usr/lib/sysctl.d", "lib/sysctl.d"};
constexpr std::string_view main_file = "etc/sysctl.conf";
constexpr std::size_t longest_line = 64U << 10; // no sysctl takes more than a page; refuse what is no settings file
constexpr std::size_t largest_file = 4U << 20;

// systemd's rule for both spellings: the separator that comes first separates, the other one belongs to a name
// ("net/ipv4/conf/eth0.100/forwarding" is "net.ipv4.conf.eth0/100.forwarding"; src/basic/sysctl-util.c).
std::string dotted(std::string_view key)
{
    std::string text(key);
    const std::size_t first = text.find_first_of("./");
    if (first == std::string::npos || text[first] == '.') return text;
    for (char& c : text)
        c = c == '/' ? '.' : c == '.' ? '/' : c;
    return text;
}

Result<SysctlSetting> parse_setting(std::string_view line)
{
    SysctlSetting setting;
    setting.ignore_failure = line.starts_with('-');
    if (setting.ignore_failure) line = trim(line.substr(1));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
        // "-net.ipv4.conf.eth0.*" alone takes keys out of an earlier glob (sysctl.d(5)).
        if (!setting.ignore_failure || line.empty()) return fail(Error::Kind::Malformed, "has no '='");
        setting.key = dotted(line);
        return setting;
    }
    setting.key = dotted(trim(line.substr(0, equals)));
    setting.value = trim(line.substr(equals + 1));
    if (setting.key.empty()) return fail(Error::Kind::Malformed, "has no key before '='");
    if (std::ranges::any_of(setting.key, is_blank))
        return fail(Error::Kind::Malformed, fmt::format("blank inside the key '{}'", setting.key.substr(0, 64)));
    return setting;
}

Result<std::vector<SysctlSetting>> read_settings(const kernel::Files& files, std::string_view path)
{
    const Fd file = TRY(files.open(path, O_PATH));
    struct stat status{};
    if (::fstat(file.get(), &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size > off_t{largest_file}))
        return fail(Error::Kind::Malformed, files.display(path) + ": is no file of settings");
    return in_file(parse_sysctl_file(TRY(files.read(path))), files, path);
}

bool is_masked(const kernel::Files& files, const std::string& path)
{
    const auto target = files.link(path);
    return target && *target == "/dev/null";
}

// The directory each name is taken from. "lib" is "usr/lib" on merged hosts; its names are then all known already.
std::map<std::string, std::string_view> effective_names(const kernel::Files& files)
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
    for (const std::string_view directory : directories)
        if (const auto list = files.list(directory); !list && list.error().kind == Error::Kind::Refused)
            return std::unexpected(list.error());
    return {};
}

} // namespace

Result<std::vector<SysctlSetting>> parse_sysctl_file(std::string_view text)
{
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3); // the mark some editors leave
    std::vector<SysctlSetting> settings;
    std::uint32_t number = 0;
    for (std::string_view line; next_line(text, line);) {
        ++number;
        if (line.size() > longest_line) return malformed_line(number, "longer than any setting");
        if (line.find('\0') != std::string_view::npos) return malformed_line(number, "holds a NUL byte");
        line = trim(line);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        auto setting = parse_setting(line);
        if (!setting) return malformed_line(number, setting.error().what);
        setting->line = number;
        settings.push_back(std::move(*setting));
    }
    return settings;
}

Result<std::vector<SysctlFile>> collect_sysctl_files(const kernel::Kernel& kernel)
{
    const kernel::Files& files = kernel.files;
    if (!files.exists("etc")) return fail(Error::Kind::Absent, files.display("etc") + " is not there");
    TRY_VOID(refused_directory(files));
    std::vector<SysctlFile> found;
    bool linked = false;
    for (const auto& [name, directory] : effective_names(files)) {
        const std::string path = fmt::format("{}/{}", directory, name);
        if (is_masked(files, path)) continue;
        linked = linked || is_link_to_main_file(files, path);
        found.push_back({"/" + path, "systemd-sysctl", read_settings(files, path)});
    }
    if (!linked && files.exists(main_file))
        found.push_back({fmt::format("/{}", main_file), "procps", read_settings(files, main_file)});
    return found;
}

} // namespace netwright::host
