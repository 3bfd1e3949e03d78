// SPDX-License-Identifier: GPL-2.0-or-later
// What a drop-in of our own tells systemd about a service: /etc/systemd/system/UNIT.d/50-netwright.conf
// (systemd.unit(5)).
//
// The value of such a tunable is what our file says, nothing where it does not say; what other files say, systemd
// joins. The file is always written whole and is gone, with its directory, when nothing is left in it. systemd reads it
// on `systemctl daemon-reload`, and a running service has it from its next start on.
#include "base/text.h"
#include "kernel/durable_file.h"
#include "model/drop_in.h"
#include "tunable/kinds.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace netwright::tunable {
namespace {

using What = ServiceSetting::What;
using Settings = DropInSettings;

// systemd.unit(5), "Unit File Load Path", in the order of precedence.
constexpr std::array unit_directories{
    std::string_view{"etc/systemd/system"},           std::string_view{"run/systemd/system"},
    std::string_view{"run/systemd/transient"},        std::string_view{"run/systemd/generator"},
    std::string_view{"usr/local/lib/systemd/system"}, std::string_view{"usr/lib/systemd/system"},
    std::string_view{"lib/systemd/system"},           std::string_view{"run/systemd/generator.late"}};

// "foo@.service" for "foo@bar.service"
std::string template_of(std::string_view unit)
{
    const std::size_t at = unit.find('@');
    return at == std::string_view::npos ? std::string(unit) : fmt::format("{}@.service", unit.substr(0, at));
}

std::optional<std::string> fragment_of(const kernel::Files& files, std::string_view unit)
{
    for (const std::string_view directory : unit_directories)
        for (const std::string& name : {std::string(unit), template_of(unit)})
            if (std::string path = fmt::format("{}/{}", directory, name); files.exists(path)) return path;
    return std::nullopt;
}

Result<Settings> settings_of(const kernel::Files& files, std::string_view unit)
{
    const auto text = files.read(drop_in_path(unit));
    if (text) return parse_drop_in(*text);
    if (text.error().kind == Error::Kind::Absent) return Settings{};
    return std::unexpected(text.error());
}

Result<std::string> exec_start(const kernel::Files& files, std::string_view unit)
{
    const auto fragment = fragment_of(files, unit);
    const std::string text = fragment ? TRY(files.read(*fragment)) : std::string();
    std::string_view rest = text;
    for (std::string_view line; next_line(rest, line);)
        if (line.starts_with("ExecStart=/")) return std::string(trim(line.substr(line.find('=') + 1)));
    return fail(Error::Kind::Unsupported, fmt::format("{} has no plain ExecStart= line to add arguments to", unit));
}

Result<std::string> drop_in_text(const kernel::Files& files, std::string_view unit, const Settings& settings)
{
    std::string text =
        "# Written by netwright. Do not edit: it is written anew with each change, and removed on undo.\n"
        "# In force after: systemctl daemon-reload && systemctl restart " +
        std::string(unit) + "\n[Service]\n";
    for (const auto& [key, value] : settings) {
        if (key != to_text(What::BannedInterrupts)) {
            text += fmt::format("{}={}\n", key, value);
            continue;
        }
        const std::string command = TRY(exec_start(files, unit));
        text += fmt::format("{}{}\nExecStart=\nExecStart={} --banirq={}\n", ban_mark, value, command,
                            fmt::join(split_words(value), " --banirq="));
    }
    return text;
}

std::string file_word(const Value& value)
{
    const auto* set = std::get_if<CpuSet>(&value);
    return set ? set->list() : to_text(value);
}

Result<void> store(const kernel::Files& files, std::string_view unit, const Settings& settings)
{
    const std::filesystem::path path = files.display(drop_in_path(unit));
    if (!settings.empty()) {
        const std::string text = TRY(drop_in_text(files, unit, settings));
        return kernel::write_durably(path, text, 0644);
    }
    TRY_VOID(kernel::remove_durably(path));
    ::rmdir(path.parent_path().c_str()); // stays where others have drop-ins
    return {};
}

// systemd asks for the limit it is told, and a service whose limit is refused does not start (kernel/sys.c do_prlimit).
Result<void> check_limit(const kernel::Files& files, const ServiceSetting& service, const Value& value)
{
    const std::string text = TRY(files.read_line("proc/sys/fs/nr_open"));
    const auto most = parse_unsigned(text);
    const std::string word = file_word(value);
    for (const std::string_view part : split(word, ':')) {
        const auto limit = parse_unsigned(part);
        if (limit && most && *limit > *most)
            return fail(Error::Kind::Rejected,
                        fmt::format("{} = {}: above fs.nr_open, {}; the service would not start. Raise "
                                    "sysctl/fs.nr_open first",
                                    to_text(Tunable(service)), *limit, *most));
    }
    return {};
}

Result<void> check_members(const kernel::Files& files, const ServiceSetting& service, const Value& value,
                           std::string_view path, std::string_view what)
{
    const auto* wanted = std::get_if<CpuSet>(&value);
    if (wanted == nullptr) return {}; // "all"
    const std::string text = TRY(files.read_line(path));
    const CpuSet online = TRY(CpuSet::parse_list(text));
    const CpuSet missing = *wanted - online;
    if (missing.empty()) return {};
    return fail(Error::Kind::Rejected, fmt::format("{}: {} {} is not online here (online: {})",
                                                   to_text(Tunable(service)), what, missing.list(), online.list()));
}

Result<void> check_value(const kernel::Files& files, const ServiceSetting& service, const Value& value)
{
    switch (service.what) {
    case What::LimitNofile:
        return check_limit(files, service, value);
    case What::CpuAffinity:
        return check_members(files, service, value, "sys/devices/system/cpu/online", "CPU");
    case What::NumaMask:
        return check_members(files, service, value, "sys/devices/system/node/online", "node");
    case What::NumaPolicy:
        return {};
    case What::BannedInterrupts:
        if (auto command = exec_start(files, service.unit); !command)
            return std::unexpected(std::move(command).error());
        return {};
    }
    return {};
}

struct Service : KindDefaults<ServiceSetting> {
    static Present read(kernel::Kernel& kernel, const ServiceSetting& service)
    {
        const Settings settings = TRY(settings_of(kernel.files, service.unit));
        const auto found = settings.find(to_text(service.what));
        if (found == settings.end()) {
            if (fragment_of(kernel.files, service.unit)) return std::optional<Value>{};
            return fail(Error::Kind::Absent, fmt::format("there is no unit {} here", service.unit), ENOENT);
        }
        return std::optional<Value>(TRY(parse_value(service, found->second)));
    }

    static Result<void> check(kernel::Kernel& kernel, const ServiceSetting& service, const Value& value)
    {
        TRY_VOID(require_host(kernel, service));
        if (!fragment_of(kernel.files, service.unit))
            return fail(Error::Kind::Absent, fmt::format("there is no unit {} here", service.unit), ENOENT);
        const Value sensible = TRY(parse_value(service, to_text(value)));
        return check_value(kernel.files, service, sensible);
    }

    static Result<void> write(kernel::Kernel& kernel, const ServiceSetting& service, const Value& value)
    {
        TRY_VOID(require_host(kernel, service));
        Settings settings = TRY(settings_of(kernel.files, service.unit));
        const std::string word = file_word(value);
        settings.erase(std::string(to_text(service.what)));
        if (!word.empty()) settings.emplace(to_text(service.what), word);
        auto stored = store(kernel.files, service.unit, settings);
        if (!stored) return write_failed(service, value, std::move(stored).error());
        return {};
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        if (!owns_host(kernel)) return found;
        const auto names = kernel.files.list("etc/systemd/system");
        for (const std::string& name : names ? *names : std::vector<std::string>{}) {
            if (!name.ends_with(".service.d")) continue;
            const std::string unit = name.substr(0, name.size() - 2);
            const auto settings = settings_of(kernel.files, unit);
            if (!settings) continue;
            for (const auto& [key, value] : *settings) {
                const auto address = parse_tunable(fmt::format("service/{}/{}", unit, key));
                if (address) found.push_back({*address, read(kernel, std::get<ServiceSetting>(*address))});
            }
        }
        return found;
    }

    static std::string undo_command(const ServiceSetting& service, const std::optional<Value>& from)
    {
        const std::string file = shell_word("/" + drop_in_path(service.unit));
        const std::string word = from ? file_word(*from) : "";
        if (service.what == What::BannedInterrupts) return fmt::format("rm -f {}", file);
        if (word.empty()) return fmt::format("sed -i '/^{}=/d' {}", to_text(service.what), file);
        return fmt::format("sed -i 's/^{0}=.*/{0}={1}/' {2}", to_text(service.what), word, file);
    }
};

} // namespace

constexpr Kind service_kind = kind_of<Service>("service", "/etc/systemd/system/UNIT.d/50-netwright.conf");

} // namespace netwright::tunable
