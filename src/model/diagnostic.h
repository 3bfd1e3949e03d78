// SPDX-License-Identifier: GPL-2.0-or-later
// What lint says about a line of a sysctl file: where, which rule, how bad, why, and what to write instead.
#pragma once

#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

enum class Level {
    Note,    // true, harmless, good to know: it repeats the default, it does less than people think
    Warning, // it has no effect, or one its author will not have wanted
    Error    // the kernel refuses it, or it breaks something
};
std::string_view to_text(Level level); // "note", "warning", "error"
Result<Level> parse_level(std::string_view text);

// A text that is read as a sysctl file, in the order of application: later texts win.
struct SourceText {
    std::string name; // as people know it: "/etc/sysctl.d/99-net.conf", "<stdin>"
    std::string text;
    std::string problem;  // why it could not be read; its text is empty then
    bool shipped = false; // by the distribution, to be overridden: /usr/lib/sysctl.d
};

struct TextPlace {
    std::uint32_t line = 1, column = 1; // from 1; columns and lengths count bytes
    std::uint32_t length = 0;
    bool operator==(const TextPlace&) const = default;
};

struct TextFix {
    enum class What {
        None,
        Replace,    // `text` stands at the place instead
        CommentOut, // the whole line of the place becomes a comment
        AddBelow,   // `text` becomes a line of its own below
        MoveAbove   // what stands at the place becomes a line of its own above
    } what = What::None;
    TextPlace at;
    std::string text;
    std::string words; // for people: "write net.core.somaxconn"
    bool operator==(const TextFix&) const = default;
};

struct Diagnostic {
    std::string_view rule; // "below-default"
    Level level = Level::Note;
    std::size_t source = 0; // its position among the sources
    TextPlace at;
    std::string message; // one line, names key and value
    std::string why;     // what the kernel does with it, and what to do instead
    TextFix fix;
    bool operator==(const Diagnostic&) const = default;
};

struct LintRule {
    std::string_view id;
    Level level; // what it usually says; a graver case says so itself
    std::string_view summary;
};

} // namespace netwright
