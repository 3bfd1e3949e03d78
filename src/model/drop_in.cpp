// SPDX-License-Identifier: GPL-2.0-or-later
// A few lines of systemd's syntax: one assignment a line.
#include "model/drop_in.h"

#include "base/text.h"

#include <fmt/format.h>

namespace netwright {

std::string drop_in_path(std::string_view unit)
{
    return fmt::format("etc/systemd/system/{}.d/50-netwright.conf", unit);
}

DropInSettings parse_drop_in(std::string_view text)
{
    DropInSettings settings;
    for (std::string_view line; next_line(text, line);) {
        line = trim(line);
        if (line.starts_with(ban_mark)) line.remove_prefix(2);
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || line.starts_with('#') || line.starts_with("ExecStart=")) continue;
        settings.insert_or_assign(std::string(line.substr(0, equals)), std::string(line.substr(equals + 1)));
    }
    return settings;
}

} // namespace netwright
