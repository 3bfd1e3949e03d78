// SPDX-License-Identifier: GPL-2.0-or-later
// Wrapping, colours and tables.
#include "report/terminal.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::report {
namespace {

constexpr char32_t not_utf8 = 0xFFFFFFFF;

struct Glyph {
    char32_t code = not_utf8;
    std::size_t length = 1; // bytes it took
};

// The next character of a text that is not empty. Overlong forms, surrogates and stray bytes are not UTF-8 (RFC 3629).
Glyph next_glyph(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
    char32_t code = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return {};
        code = (code << 6) | (byte(i) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
    return {code, length};
}

struct CodeRange {
    char32_t first, last;
};

bool in_any(char32_t code, std::span<const CodeRange> ranges)
{
    return std::ranges::any_of(ranges, [&](const CodeRange& r) { return code >= r.first && code <= r.last; });
}

// Combining marks, joiners, direction marks and variation selectors: they take no column of their own.
constexpr std::array no_width{CodeRange{0x300, 0x36F},   CodeRange{0x200B, 0x200F}, CodeRange{0x202A, 0x202E},
                              CodeRange{0x2060, 0x2069}, CodeRange{0x20D0, 0x20FF}, CodeRange{0xFE00, 0xFE0F}};
// Unicode East Asian Width W and F, and emoji.
constexpr std::array double_width{CodeRange{0x1100, 0x115F}, CodeRange{0x2E80, 0xA4CF},   CodeRange{0xAC00, 0xD7A3},
                                  CodeRange{0xF900, 0xFAFF}, CodeRange{0xFE30, 0xFE6F},   CodeRange{0xFF00, 0xFF60},
                                  CodeRange{0xFFE0, 0xFFE6}, CodeRange{0x1F300, 0x1FAFF}, CodeRange{0x20000, 0x3FFFD}};
// Direction overrides can show text in another order than it is written.
constexpr std::array direction_overrides{CodeRange{0x202A, 0x202E}, CodeRange{0x2066, 0x2069}};

bool is_control(char32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || in_any(code, direction_overrides);
}

std::string_view escape_of(Tone tone)
{
    switch (tone) {
    case Tone::Plain:
        return "";
    case Tone::Bold:
        return "\033[1m";
    case Tone::Dim:
        return "\033[2m";
    case Tone::Red:
        return "\033[31m";
    case Tone::Yellow:
        return "\033[33m";
    case Tone::Green:
        return "\033[32m";
    case Tone::Cyan:
        return "\033[36m";
    }
    return "";
}

void wrap_line(std::string_view text, std::size_t width, std::vector<std::string>& lines)
{
    std::string line;
    std::size_t used = 0;
    std::string_view word;
    while (next_word(text, word)) {
        const std::string clean = printable(word);
        const std::size_t wide = columns(clean);
        if (used != 0 && used + 1 + wide > width) {
            lines.push_back(std::move(line));
            line.clear();
            used = 0;
        }
        if (used != 0) line += ' ';
        line += clean;
        used += wide + (used != 0 ? 1 : 0);
    }
    lines.push_back(std::move(line));
}

std::vector<std::size_t> column_widths(const std::vector<std::vector<std::string>>& rows)
{
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        if (widths.size() < row.size()) widths.resize(row.size());
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns(printable(row[i])));
    }
    return widths;
}

std::string table_row(const std::vector<std::string>& row, const std::vector<std::size_t>& widths, const Style& style,
                      Tone tone)
{
    std::string lead;
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
        lead += padded(printable(row[i]), widths[i] + 2);
    const std::size_t indent = columns(lead);
    const std::size_t left = style.width > indent + 16 ? style.width - indent : 16;
    std::string text;
    for (const std::string& line : wrap(row.back(), left)) {
        std::string whole = (text.empty() ? lead : std::string(indent, ' ')) + line;
        whole.erase(whole.find_last_not_of(' ') + 1);
        text += paint(whole, tone, style) + '\n';
    }
    return text;
}

} // namespace

std::string paint(std::string_view text, Tone tone, const Style& style)
{
    if (!style.colour || tone == Tone::Plain || text.empty()) return std::string(text);
    return fmt::format("{}{}\033[0m", escape_of(tone), text);
}

std::string printable(std::string_view text)
{
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const Glyph glyph = next_glyph(text);
        if (glyph.code == not_utf8)
            clean += "\uFFFD";
        else if (is_control(glyph.code))
            clean += ' ';
        else
            clean += text.substr(0, glyph.length);
        text.remove_prefix(glyph.length);
    }
    return clean;
}

std::size_t columns(std::string_view text)
{
    std::size_t count = 0;
    while (!text.empty()) {
        const Glyph glyph = next_glyph(text);
        text.remove_prefix(glyph.length);
        if (in_any(glyph.code, no_width)) continue;
        count += in_any(glyph.code, double_width) ? 2 : 1;
    }
    return count;
}

std::string padded(std::string_view text, std::size_t width)
{
    const std::size_t used = columns(text);
    return std::string(text) + std::string(used < width ? width - used : 0, ' ');
}

std::vector<std::string> wrap(std::string_view text, std::size_t width)
{
    std::vector<std::string> lines;
    std::string_view line;
    while (next_line(text, line))
        wrap_line(line, width, lines);
    if (lines.empty()) lines.emplace_back();
    return lines;
}

std::string hanging(std::string_view label, std::string_view text, std::size_t indent, const Style& style,
                    Tone label_tone, Tone text_tone)
{
    if (trim(text).empty()) return "";
    const std::size_t left = style.width > indent + 20 ? style.width - indent : 20;
    std::string block;
    for (const std::string& line : wrap(text, left)) {
        block += block.empty() ? paint(padded(label, indent), label_tone, style) : std::string(indent, ' ');
        block += paint(line, text_tone, style) + '\n';
    }
    return block;
}

std::string_view mark(Severity severity)
{
    switch (severity) {
    case Severity::Critical:
        return "✖";
    case Severity::High:
        return "▲";
    case Severity::Medium:
        return "●";
    case Severity::Low:
        return "○";
    case Severity::Info:
        return "·";
    }
    return "·";
}

Tone tone_of(Severity severity)
{
    switch (severity) {
    case Severity::Critical:
    case Severity::High:
        return Tone::Red;
    case Severity::Medium:
        return Tone::Yellow;
    case Severity::Low:
        return Tone::Cyan;
    case Severity::Info:
        return Tone::Dim;
    }
    return Tone::Plain;
}

std::string table(const std::vector<std::vector<std::string>>& rows, const Style& style)
{
    const std::vector<std::size_t> widths = column_widths(rows);
    std::string text;
    for (const auto& row : rows)
        if (!row.empty()) text += table_row(row, widths, style, &row == &rows.front() ? Tone::Dim : Tone::Plain);
    return text;
}

std::string counted(std::size_t number, std::string_view noun)
{
    if (number == 1) return fmt::format("1 {}", noun);
    if (noun.ends_with("x") || noun.ends_with("s")) return fmt::format("{} {}es", number, noun);
    if (noun.ends_with("ry")) return fmt::format("{} {}ies", number, noun.substr(0, noun.size() - 1));
    return fmt::format("{} {}s", number, noun);
}

std::string first_few(const std::vector<std::string>& names, std::size_t most)
{
    std::string text;
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
        text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > most) text += fmt::format(" and {} more", names.size() - most);
    return text;
}

} // namespace netwright::report
