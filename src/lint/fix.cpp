// SPDX-License-Identifier: GPL-2.0-or-later
// Applying fixes line by line, and showing the difference.
#include "lint/fix.h"

#include "base/text.h"
#include "model/sysctl_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace netwright::lint {
namespace {

using What = TextFix::What;
using Fixes = std::vector<const TextFix*>;

constexpr std::size_t context = 3; // lines around a change, as diff -u shows them

// One line of the original with what stands in its place. `ending` is "\n", or "" at an end without newline.
struct Line {
    std::string_view before;
    std::string_view ending;
    std::vector<std::string> after; // with endings
    bool changed = false;
};

std::vector<Line> lines_of(std::string_view text)
{
    std::vector<Line> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const bool last = end == std::string_view::npos;
        lines.push_back({text.substr(0, end), last ? std::string_view{} : "\n", {}, false});
        text.remove_prefix(last ? text.size() : end + 1);
    }
    return lines;
}

bool overlaps(const TextFix& a, const TextFix& b)
{
    return a.at.column < b.at.column + b.at.length && b.at.column < a.at.column + a.at.length;
}

// Replacements of parts of the line, from its end so that columns stay true; of two for one part the first is taken.
std::string replaced(std::string_view line, const Fixes& fixes)
{
    Fixes chosen;
    for (const TextFix* fix : fixes) {
        if (fix->what != What::Replace && fix->what != What::MoveAbove) continue;
        if (fix->at.column == 0 || fix->at.column - 1 + fix->at.length > line.size()) continue;
        if (std::ranges::none_of(chosen, [&](const TextFix* other) { return overlaps(*fix, *other); }))
            chosen.push_back(fix);
    }
    std::ranges::sort(chosen, std::ranges::greater{}, [](const TextFix* fix) { return fix->at.column; });
    std::string text(line);
    for (const TextFix* fix : chosen) {
        text.replace(fix->at.column - 1, fix->at.length, fix->what == What::Replace ? fix->text : "");
        if (fix->what == What::MoveAbove) text.resize(text.find_last_not_of(" \t\r") + 1);
    }
    return text;
}

// The comment a MoveAbove takes out, as a line.
std::string moved(std::string_view line, const TextFix& fix)
{
    if (fix.at.column == 0 || fix.at.column - 1 > line.size()) return {};
    return std::string(trim(line.substr(fix.at.column - 1, fix.at.length)));
}

std::string_view without_mark(std::string_view line)
{
    return line.starts_with(byte_order_mark) ? line.substr(byte_order_mark.size()) : line;
}

void rewrite(Line& line, const Fixes& fixes)
{
    const std::string_view ending = line.ending.empty() ? "\n" : line.ending;
    const std::string_view carriage = line.before.ends_with('\r') ? "\r" : "";
    const bool goes = std::ranges::any_of(fixes, [](const TextFix* fix) { return fix->what == What::CommentOut; });
    const auto put = [&](std::string text) {
        if (std::ranges::find(line.after, text) == line.after.end()) line.after.push_back(std::move(text));
    };
    for (const TextFix* fix : fixes)
        if (!goes && fix->what == What::MoveAbove)
            put(fmt::format("{}{}{}", moved(line.before, *fix), carriage, ending));
    std::string text = goes ? fmt::format("# {}", without_mark(line.before)) : replaced(line.before, fixes);
    if (!carriage.empty() && !text.ends_with('\r')) text += carriage;
    line.after.push_back(std::move(text));
    for (const TextFix* fix : fixes)
        if (fix->what == What::AddBelow) {
            if (!line.after.back().ends_with('\n')) line.after.back() += ending;
            put(fmt::format("{}{}", fix->text, carriage));
        }
    if (!line.after.back().ends_with('\n')) line.after.back() += line.ending;
    line.changed = line.after.size() != 1 || line.after[0] != fmt::format("{}{}", line.before, line.ending);
}

std::string diff_line(char mark, std::string_view text)
{
    if (text.ends_with('\n')) return fmt::format("{}{}", mark, text);
    return fmt::format("{}{}\n\\ No newline at end of file\n", mark, text);
}

std::string hunk(std::span<const Line> lines, std::size_t first, std::size_t last, std::size_t added_before)
{
    std::string body;
    std::size_t after = 0;
    for (std::size_t i = first; i < last; ++i) {
        const std::string before = fmt::format("{}{}", lines[i].before, lines[i].ending);
        body += diff_line(lines[i].changed ? '-' : ' ', before);
        after += lines[i].changed ? lines[i].after.size() : 1;
        if (!lines[i].changed) continue;
        for (const std::string& text : lines[i].after)
            body += diff_line('+', text);
    }
    return fmt::format("@@ -{},{} +{},{} @@\n{}", first + 1, last - first, first + 1 + added_before, after, body);
}

std::string diff_of(std::string_view name, std::span<const Line> lines)
{
    std::string text;
    std::size_t added = 0, i = 0;
    while (i < lines.size()) {
        if (!lines[i].changed) {
            ++i;
            continue;
        }
        const std::size_t first = i - std::min(i, context);
        std::size_t last = i, end = i + 1; // the last changed line of this hunk, and where the hunk ends
        for (; end < lines.size() && end <= last + 2 * context; ++end)
            if (lines[end].changed) last = end;
        end = std::min(lines.size(), last + context + 1);
        text += hunk(lines, first, end, added);
        for (; i < end; ++i)
            if (lines[i].changed) added += lines[i].after.size() - 1;
    }
    return text.empty() ? text : fmt::format("--- {0}\n+++ {0} (fixed)\n{1}", name, text);
}

} // namespace

FixedText fixed(const SourceText& source, std::size_t index, std::span<const Diagnostic> diagnostics)
{
    std::vector<Line> lines = lines_of(source.text);
    std::map<std::size_t, Fixes> by_line;
    for (const Diagnostic& one : diagnostics)
        if (one.source == index && one.fix.what != What::None && one.fix.at.line >= 1 &&
            one.fix.at.line <= lines.size())
            by_line[one.fix.at.line - 1].push_back(&one.fix);
    for (const auto& [line, fixes] : by_line)
        rewrite(lines[line], fixes);
    FixedText result;
    for (const Line& line : lines) {
        result.lines += line.changed ? 1 : 0;
        if (!line.changed) result.text.append(line.before).append(line.ending);
        for (const std::string& text : line.after)
            if (line.changed) result.text += text;
    }
    result.diff = diff_of(source.name, lines);
    return result;
}

} // namespace netwright::lint
