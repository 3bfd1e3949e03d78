// SPDX-License-Identifier: GPL-2.0-or-later
// Escaping for pages.
#include "report/html.h"

#include "report/terminal.h"

namespace netwright::report {

std::string html_escaped(std::string_view text)
{
    std::string safe;
    for (const char c : printable(text)) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '>')
            safe += "&gt;";
        else if (c == '&')
            safe += "&amp;";
        else if (c == '"')
            safe += "&quot;";
        else
            safe += c;
    }
    return safe;
}

} // namespace netwright::report
