// SPDX-License-Identifier: GPL-2.0-or-later
// Making confirmed sysctls last: one file of our own in sysctl.d, always rewritten as a whole from the journal.
#pragma once

#include "apply/record.h"
#include "base/error.h"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::apply {

// "zz" sorts behind 99-sysctl.conf, Debian's link to /etc/sysctl.conf: later files win (sysctl.d(5)), and what the
// owner has confirmed should hold.
constexpr std::string_view sysctl_file_name = "99-zz-netwright.conf";

using Settings = std::map<std::string, std::string>; // key → value

// The sysctls of all `confirmed` transactions that are made to last in `etc_dir`; a later transaction wins.
Settings settings_of(std::span<const Record> confirmed, std::string_view etc_dir);
std::string sysctl_file_text(const Settings& settings);
// Writes ETC/sysctl.d/99-zz-netwright.conf whole, atomically and durably; removes it when nothing is left to say.
Result<void> persist(const std::filesystem::path& etc_dir, const Settings& settings);

// One line for each file that is applied after ours and sets one of our keys to something else.
std::vector<std::string> overridden_by(const std::filesystem::path& etc_dir, const Settings& settings);

// "key = value" lines of a sysctl.d file, keys with dots; comments, '-' marks and broken lines are skipped.
std::vector<std::pair<std::string, std::string>> parse_sysctl_lines(std::string_view text);

} // namespace netwright::apply
