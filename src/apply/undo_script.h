// SPDX-License-Identifier: GPL-2.0-or-later
// undo-<id>.sh: the way back in plain sh, for the person whose netwright is broken at three in the morning.
#pragma once

#include "apply/record.h"

#include <filesystem>
#include <string>

namespace netwright::apply {

std::filesystem::path undo_script_path(const std::filesystem::path& state_dir, std::int64_t id);
// Newest change first, followers last, each with what it undoes in a comment.
std::string undo_script(const Record& record);
Result<void> write_undo_script(const std::filesystem::path& state_dir, const Record& record);
Result<void> remove_undo_script(const std::filesystem::path& state_dir, std::int64_t id);

} // namespace netwright::apply
