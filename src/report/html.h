// SPDX-License-Identifier: GPL-2.0-or-later
// Text for pages: what a host says cannot become markup.
#pragma once

#include <string>
#include <string_view>

namespace netwright::report {

// printable(), with <, >, & and " as their entities.
std::string html_escaped(std::string_view text);

} // namespace netwright::report
