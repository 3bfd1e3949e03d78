// SPDX-License-Identifier: GPL-2.0-or-later
// A text that lives in the kernel as long as its pin: a BPF array map of one element.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <string>
#include <string_view>

namespace netwright::dataplane {

Result<Fd> make_state_map(std::string_view text); // Rejected: longer than 128 KiB
Result<std::string> read_state_map(int map);

} // namespace netwright::dataplane
