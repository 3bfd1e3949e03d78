// SPDX-License-Identifier: GPL-2.0-or-later
// Taking lines of sysctl.d files apart.
#include "model/sysctl_line.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright {
namespace {

SysctlLine malformed(SysctlLine line, std::string problem)
{
    line.kind = SysctlLine::Kind::Malformed;
    line.problem = std::move(problem);
    return line;
}

} // namespace

std::string dotted_sysctl_key(std::string_view key)
{
    std::string text(key);
    const std::size_t first = text.find_first_of("./");
    if (first == std::string::npos || text[first] == '.') return text;
    for (char& c : text)
        c = c == '/' ? '.' : c == '.' ? '/' : c;
    return text;
}

SysctlLine parse_sysctl_line(std::string_view text)
{
    SysctlLine line;
    text = trim(text);
    if (text.empty() || text.front() == '#' || text.front() == ';') return line;
    line.ignore_failure = text.front() == '-';
    if (line.ignore_failure) text = trim(text.substr(1));
    const std::size_t equals = text.find('=');
    line.key = trim(text.substr(0, equals));
    if (equals != std::string_view::npos) line.value = trim(text.substr(equals + 1));
    line.kind = equals == std::string_view::npos ? SysctlLine::Kind::Exclusion : SysctlLine::Kind::Setting;
    if (line.kind == SysctlLine::Kind::Exclusion && (!line.ignore_failure || line.key.empty()))
        return malformed(std::move(line), "has no '='");
    if (line.key.empty()) return malformed(std::move(line), "has no key before '='");
    if (line.kind == SysctlLine::Kind::Setting && std::ranges::any_of(line.key, is_blank)) {
        // Named before the call: the line is moved from in it, and arguments are evaluated in no given order.
        std::string why = fmt::format("blank inside the key '{}'", line.key.substr(0, 64));
        return malformed(std::move(line), std::move(why));
    }
    return line;
}

} // namespace netwright
