// SPDX-License-Identifier: GPL-2.0-or-later
// Defaults the kernel computes from the machine, as near as they can be known from outside.
#pragma once

#include "base/kernel_version.h"
#include "base/units.h"

#include <optional>
#include <string>
#include <string_view>

namespace netwright::catalog {

// What the kernel would have computed on a machine with so much memory. An estimate: it counts the memory that was free
// for buffers at boot, which is a little less than all. Nothing for keys it does not know how to compute.
std::optional<std::string> machine_default(std::string_view key, KernelVersion kernel, Bytes memory, Bytes page);

} // namespace netwright::catalog
