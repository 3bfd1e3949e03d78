// SPDX-License-Identifier: GPL-2.0-or-later
// Units of our own: written, enabled, and taken away again.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <string_view>

namespace netwright::apply {

// The program that this process runs: what a unit of ours starts.
Result<std::filesystem::path> own_binary();
// Rejected: blanks, quotes, percent signs and the like, which mean something in a unit file (systemd.syntax(7)).
Result<void> plain_unit_path(const std::filesystem::path& path);
// Writes `systemd_dir`/NAME and the link that makes `target` ("sysinit.target") start it. Both or neither.
Result<void> enable_unit(const std::filesystem::path& systemd_dir, std::string_view name, std::string_view target,
                         std::string_view text);
Result<void> disable_unit(const std::filesystem::path& systemd_dir, std::string_view name, std::string_view target);

} // namespace netwright::apply
