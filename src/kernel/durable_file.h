// SPDX-License-Identifier: GPL-2.0-or-later
// Files that are whole or not there, also after the power failed.
#pragma once

#include "base/error.h"

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace netwright::kernel {

// Creates missing directories, writes beside the target, syncs, renames, syncs the directory. After a failure the old
// file is untouched.
Result<void> write_durably(const std::filesystem::path& path, std::string_view text, mode_t mode);
// No error when it is not there.
Result<void> remove_durably(const std::filesystem::path& path);
Result<void> sync_directory(const std::filesystem::path& directory);
// Creates `directory` and what leads to it, durably; an existing one keeps its mode.
Result<void> make_directory(const std::filesystem::path& directory, mode_t mode);

} // namespace netwright::kernel
