// SPDX-License-Identifier: GPL-2.0-or-later
// Text for people at a terminal: wrapping by columns, colour words, severity marks, aligned tables.
#pragma once

#include "model/finding.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::report {

// Who prints decides: the CLI knows about ttys, NO_COLOR and the width of the window. Without colour no escape code is
// ever written.
struct Style {
    bool colour = false;
    unsigned width = 80; // columns
};

enum class Tone { Plain, Bold, Dim, Red, Yellow, Green, Cyan };

std::string paint(std::string_view text, Tone tone, const Style& style);

// Text from a host can hold anything. Control characters (escape sequences, newlines) become blanks, bytes that are
// not UTF-8 become U+FFFD: a process name cannot repaint a terminal.
std::string printable(std::string_view text);

// Columns that UTF-8 text takes: wide characters two, combining marks none.
std::size_t columns(std::string_view text);
// `text` followed by blanks up to `width` columns; never cut.
std::string padded(std::string_view text, std::size_t width);

// Words of `text` in lines of at most `width` columns. A word that is longer stays whole: a path or a command that is
// broken cannot be copied. At least one line; a newline in the text starts a new one.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

// A label and text that hangs beside it:
//   seen   first line of the text
//          and the next
// The label takes `indent` columns. Ends with a newline; nothing when the text is empty.
std::string hanging(std::string_view label, std::string_view text, std::size_t indent, const Style& style,
                    Tone label_tone = Tone::Dim, Tone text_tone = Tone::Plain);

std::string_view mark(Severity severity); // one column
Tone tone_of(Severity severity);

// Columns aligned by their widest cell, two blanks between them; the first row is the heading. The last column wraps
// into what is left of the width. Empty when there are no rows.
std::string table(const std::vector<std::vector<std::string>>& rows, const Style& style);

// "1 rule", "3 rules"
std::string counted(std::size_t number, std::string_view noun);
// "a, b, c and 9 more": the first `most` of the names.
std::string first_few(const std::vector<std::string>& names, std::size_t most);

} // namespace netwright::report
