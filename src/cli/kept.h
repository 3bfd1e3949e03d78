// SPDX-License-Identifier: GPL-2.0-or-later
// Changing what runs on the packet path as a transaction like any other: status shows it, rollback takes it back.
#pragma once

#include "cli/command.h"
#include "dataplane/kept_config.h"
#include "model/tunable.h"

#include <optional>
#include <string>

namespace netwright::cli {

// Declares --confirm-within; "" as long as nobody gives it.
void add_confirm_flag(CLI::App& app, std::string& confirm_within);

// Runs `wanted` from now on; nothing: what runs is removed. Without a time it is confirmed at once. Gives what the
// person still has to be told, such as until when it must be confirmed. After a failure everything is as it was.
Result<std::string> change_packet_path(PacketPath::What what, const std::optional<dataplane::KeptConfig>& wanted,
                                       const std::string& confirm_within, const Globals& globals);

} // namespace netwright::cli
