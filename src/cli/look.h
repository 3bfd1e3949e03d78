// SPDX-License-Identifier: GPL-2.0-or-later
// Where a snapshot comes from: the live host, a captured tree, or a file somebody sent.
#pragma once

#include "cli/command.h"
#include "model/snapshot.h"

namespace netwright::cli {

struct LookFlags {
    std::string from;    // --from: a snapshot file
    std::string root;    // --root: a captured /proc and /sys
    double seconds = 2;  // --seconds: between the two samples; 0 takes one
    bool owners = false; // --owners: also count connections by process
};
enum class Source { Any, NoFile };
void add_look_flags(CLI::App& app, LookFlags& flags, Source source);

Result<Snapshot> look(const LookFlags& flags, const Globals& globals);

} // namespace netwright::cli
