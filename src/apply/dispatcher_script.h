// SPDX-License-Identifier: GPL-2.0-or-later
// A script that NetworkManager runs when it has brought an interface up: it sets again what taking a connection down
// and up has lost (docs/decisions/018-after-networkmanager.md).
#pragma once

#include "base/error.h"
#include "model/tunable.h"

#include <filesystem>
#include <span>
#include <string>

namespace netwright::apply {

std::filesystem::path dispatcher_script_path(const std::filesystem::path& etc_dir);

// May NetworkManager lose this when it takes a connection down and up: a setting of an interface that it manages, or,
// while it manages any, a route or rule whose interface is not named? `root` is what etc/ lies in.
bool is_lost_by_reconnecting(const std::filesystem::path& root, const Tunable& tunable);

// Its text for these settings; it names them in comments.
std::string dispatcher_script(const std::filesystem::path& binary, const std::filesystem::path& state_dir,
                              std::span<const Tunable> settings);
// Writes it, as a program that only root may change (NetworkManager-dispatcher(8) runs no other); removes it when there
// is nothing to set again.
Result<void> write_dispatcher_script(const std::filesystem::path& etc_dir, const std::filesystem::path& state_dir,
                                     std::span<const Tunable> settings);

} // namespace netwright::apply
