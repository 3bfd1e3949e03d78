// SPDX-License-Identifier: GPL-2.0-or-later
// Where a command about a program on the packet path finds what runs.
#pragma once

#include "cli/command.h"
#include "dataplane/pins.h"
#include "kernel/namespace.h"

namespace netwright::cli {

// pin_directory(name), inside --netns where one is named, which the calling thread enters for good.
inline Result<std::filesystem::path> enter_pins(const Globals& globals, std::string_view name)
{
    if (!globals.netns.empty()) TRY_VOID(kernel::enter_namespace(globals.netns));
    return dataplane::pin_directory(name);
}

} // namespace netwright::cli
