// SPDX-License-Identifier: GPL-2.0-or-later
// netwright-restore.service: confirmed values that no native file can hold are written again at boot.
#pragma once

#include "apply/receipt.h"
#include "base/error.h"
#include "kernel/kernel.h"
#include "model/tunable.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace netwright::apply {

inline constexpr std::string_view restore_unit_name = "netwright-restore.service";

// Its text for these settings; it names them in comments.
std::string restore_unit(const std::filesystem::path& binary, const std::filesystem::path& state_dir,
                         std::span<const Tunable> settings);
// Writes and enables ETC/systemd/system/netwright-restore.service; removes both when there is nothing to restore.
Result<void> write_restore_unit(const std::filesystem::path& etc_dir, const std::filesystem::path& state_dir,
                                std::span<const Tunable> settings);

// What the unit does: writes every confirmed value of that kind that is not there, and reads it back. One setting that
// fails does not keep the others from being tried; one that an open transaction sets is left to it. With the name of an
// interface: its settings only, and those that are of no interface.
Result<std::vector<StepReport>> restore(kernel::Kernel& kernel, const std::filesystem::path& state_dir,
                                        const std::filesystem::path& etc_dir, std::string_view only = "");

} // namespace netwright::apply
