// SPDX-License-Identifier: GPL-2.0-or-later
// The drop-ins of our own below /etc/systemd/system: where they lie and what they say.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace netwright {

// "etc/systemd/system/nginx.service.d/50-netwright.conf", below the root
std::string drop_in_path(std::string_view unit);

using DropInSettings = std::map<std::string, std::string, std::less<>>; // "LimitNOFILE" → "65536"
// Our own file's lines. BannedInterrupts, an argument of irqbalance's command line, stands in a comment above it.
DropInSettings parse_drop_in(std::string_view text);
inline constexpr std::string_view ban_mark = "# BannedInterrupts=";

} // namespace netwright
