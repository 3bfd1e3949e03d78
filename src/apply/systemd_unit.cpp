// SPDX-License-Identifier: GPL-2.0-or-later
// Enabling a unit is a symbolic link; systemd reads it at the next boot.
#include "apply/systemd_unit.h"

#include "apply/durable_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::apply {
namespace {

std::filesystem::path wants(const std::filesystem::path& systemd_dir, std::string_view name, std::string_view target)
{
    return systemd_dir / fmt::format("{}.wants", target) / name;
}

Result<void> link(const std::filesystem::path& systemd_dir, std::string_view name, std::string_view target)
{
    const auto place = wants(systemd_dir, name, target);
    TRY_VOID(make_directory(place.parent_path(), 0755));
    std::error_code problem;
    std::filesystem::remove(place, problem);
    std::filesystem::create_symlink(std::filesystem::path("..") / name, place, problem);
    if (problem) return std::unexpected(errno_error("enable " + place.string(), problem.value()));
    return sync_directory(place.parent_path());
}

} // namespace

Result<std::filesystem::path> own_binary()
{
    std::error_code unknown;
    std::filesystem::path binary = std::filesystem::read_symlink("/proc/self/exe", unknown);
    if (unknown) return std::unexpected(errno_error("read /proc/self/exe", unknown.value()));
    return binary;
}

Result<void> plain_unit_path(const std::filesystem::path& path)
{
    const std::string& text = path.native();
    const bool plain = std::ranges::all_of(text, [](char c) {
        return static_cast<unsigned char>(c) > ' ' &&
               std::string_view("%\\\"'$;#*?[]").find(c) == std::string_view::npos;
    });
    if (path.is_absolute() && plain) return {};
    return fail(Error::Kind::Rejected,
                fmt::format("{} cannot stand in a systemd unit: use an absolute path without blanks "
                            "or special characters",
                            text));
}

Result<void> enable_unit(const std::filesystem::path& systemd_dir, std::string_view name, std::string_view target,
                         std::string_view text)
{
    TRY_VOID(make_directory(systemd_dir, 0755));
    TRY_VOID(write_durably(systemd_dir / name, text, 0644));
    auto enabled = link(systemd_dir, name, target);
    if (!enabled) (void)disable_unit(systemd_dir, name, target);
    return enabled;
}

Result<void> disable_unit(const std::filesystem::path& systemd_dir, std::string_view name, std::string_view target)
{
    std::error_code ignored;
    const auto place = wants(systemd_dir, name, target);
    if (!std::filesystem::exists(systemd_dir / name, ignored) && !std::filesystem::is_symlink(place, ignored))
        return {};
    TRY_VOID(remove_durably(place));
    return remove_durably(systemd_dir / name);
}

} // namespace netwright::apply
