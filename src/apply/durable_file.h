// SPDX-License-Identifier: GPL-2.0-or-later
// The journal's and persistence's way to write files: see kernel/durable_file.h.
#pragma once

#include "kernel/durable_file.h"

namespace netwright::apply {

using kernel::make_directory;
using kernel::remove_durably;
using kernel::sync_directory;
using kernel::write_durably;

} // namespace netwright::apply
