// SPDX-License-Identifier: GPL-2.0-or-later
// How parsers say where they stumbled.
#include "host/parse.h"

#include <fmt/format.h>

namespace netwright::host {

std::unexpected<Error> malformed_line(std::size_t line, std::string_view why)
{
    return fail(Error::Kind::Malformed, fmt::format("line {}: {}", line, why));
}

std::string place_in_file(std::string_view path, std::string_view what)
{
    constexpr std::string_view line = "line ";
    if (what.starts_with(line)) return fmt::format("{}:{}", path, what.substr(line.size()));
    return fmt::format("{}: {}", path, what);
}

} // namespace netwright::host
