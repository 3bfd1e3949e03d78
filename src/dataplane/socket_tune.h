// SPDX-License-Identifier: GPL-2.0-or-later
// Options of new TCP connections by destination: a sock_ops program on a cgroup.
#pragma once

#include "dataplane/socket_match.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

// "initial-window=30", "pacing=1Gbit", …: one option as the kernel takes it. Malformed with the words there are.
Result<socket_option> parse_socket_option(std::string_view text);

struct SocketTuning {
    SocketMatch match; // the peer's address; the port that is connected to, or ours where we accept
    std::vector<socket_option> options;
    std::string cgroup = "/";
    std::string words; // of the options, for people
};
// `root` is pin_directory("socket"). Unsupported: the unified hierarchy is not mounted, or the kernel cannot.
Result<void> tune_sockets(const std::filesystem::path& root, const std::string& name, const SocketTuning& tuning);
// Connections tuned, and options refused, by this entry so far.
Result<socket_tally> tuned_sockets(const std::filesystem::path& root, const std::string& name);

} // namespace netwright::dataplane
