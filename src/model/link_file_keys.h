// SPDX-License-Identifier: GPL-2.0-or-later
// Which settings systemd.link(5) of systemd 252 can hold, and in which words.
#pragma once

#include "model/tunable.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

bool has_link_file_key(const Tunable& tunable);
bool has_link_file_key(const Tunable& tunable, unsigned systemd); // of this version of systemd
// The lines of a [Link] section for this value: "RxBufferSize=4096"; a speed takes three. Empty: it has none.
std::vector<std::string> link_file_lines(const Tunable& tunable, const Value& value);

} // namespace netwright
