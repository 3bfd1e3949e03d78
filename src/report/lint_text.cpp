// SPDX-License-Identifier: GPL-2.0-or-later
// Diagnostics as a good compiler prints them: place, words, the line, a mark under it, why, and what to write.
#include "base/text.h"
#include "report/lint_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace netwright::report {
namespace {

constexpr std::size_t widest_excerpt = 120; // bytes of a line that are shown

Tone tone_of(Level level)
{
    constexpr std::array tones{Tone::Cyan, Tone::Yellow, Tone::Red};
    return tones[static_cast<std::size_t>(level)];
}

// Where each line of a text starts, so that ten thousand diagnostics do not search it ten thousand times.
class LineIndex {
public:
    explicit LineIndex(const SourceText& source)
    {
        std::size_t at = 0;
        do {
            starts_.push_back(at);
            at = source.text.find('\n', at) + 1;
        } while (at != 0);
    }
    std::string_view line(const SourceText& source, std::uint32_t number) const
    {
        if (number < 1 || number > starts_.size()) return {};
        const std::size_t start = starts_[number - 1];
        const std::size_t end = number < starts_.size() ? starts_[number] - 1 : source.text.size();
        return std::string_view(source.text).substr(start, end - start);
    }

private:
    std::vector<std::size_t> starts_;
};

// Keys and secrets are not for terminals and build logs.
std::string_view without_secret(std::string_view line)
{
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return line;
    const std::string_view key = trim(line.substr(0, equals));
    return key.ends_with("_key") || key.ends_with("_secret") ? line.substr(0, equals + 1) : line;
}

std::string excerpt(const Diagnostic& one, std::string_view line, const Style& style)
{
    line = without_secret(line);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trim(line).empty() || one.at.length == 0 || one.at.column > widest_excerpt) return {};
    const std::string_view part = line.substr(0, widest_excerpt);
    const std::size_t from = std::min<std::size_t>(one.at.column - 1, part.size());
    const std::size_t length = std::min<std::size_t>(one.at.length, part.size() - from);
    const std::string number = fmt::format("{:>5}", one.at.line);
    std::string mark(columns(printable(part.substr(0, from))), ' ');
    mark += '^' + std::string(std::max<std::size_t>(columns(printable(part.substr(from, length))), 1) - 1, '~');
    return fmt::format("{} | {}\n      | {}\n", number, printable(part), paint(mark, tone_of(one.level), style));
}

std::string place(const SourceText& source, const Diagnostic& one, std::string_view line)
{
    return fmt::format("{}:{}:{}", printable(source.name), one.at.line, character_column(line, one.at.column));
}

std::string diagnostic_text(const Diagnostic& one, const SourceText& source, std::string_view line, const Style& style)
{
    std::string text = fmt::format("{}: {}: {} {}\n", paint(place(source, one, line), Tone::Bold, style),
                                   paint(to_text(one.level), tone_of(one.level), style), printable(one.message),
                                   paint(fmt::format("[{}]", one.rule), Tone::Dim, style));
    text += excerpt(one, line, style);
    text += hanging("  why: ", printable(one.why), 7, style);
    return text + hanging("  fix: ", printable(one.fix.words), 7, style);
}

std::string summary(const LintView& view)
{
    std::map<Level, std::size_t> counts;
    for (const Diagnostic& one : view.diagnostics)
        ++counts[one.level];
    std::vector<std::string> parts;
    for (const Level level : {Level::Error, Level::Warning, Level::Note})
        if (counts[level]) parts.push_back(counted(counts[level], to_text(level)));
    const std::string found = parts.empty() ? "nothing found" : fmt::format("{}", fmt::join(parts, ", "));
    return fmt::format("{} in {}, judged for {}\n", found, counted(view.sources.size(), "file"), view.judged_for);
}

} // namespace

std::string shown_line(const SourceText& source, std::uint32_t line)
{
    return std::string(without_secret(LineIndex(source).line(source, line)));
}

std::uint32_t character_column(std::string_view line, std::uint32_t byte_column)
{
    const auto is_inside = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
    const std::string_view before = line.substr(0, byte_column - 1);
    const auto inside = std::ranges::count_if(before, is_inside);
    return byte_column - static_cast<std::uint32_t>(inside);
}

std::string lint_text(const LintView& view, const Style& style)
{
    std::string text;
    std::vector<LineIndex> lines;
    for (const SourceText& source : view.sources)
        lines.emplace_back(source);
    for (const Diagnostic& one : view.diagnostics) {
        const SourceText& source = view.sources[one.source];
        text += diagnostic_text(one, source, lines[one.source].line(source, one.at.line), style) + '\n';
    }
    return text + summary(view);
}

std::string lint_rules_text(std::span<const LintRule> rules, const Style& style)
{
    std::vector<std::vector<std::string>> rows{{"RULE", "LEVEL", "SAYS"}};
    for (const LintRule& rule : rules)
        rows.push_back({std::string(rule.id), std::string(to_text(rule.level)), std::string(rule.summary)});
    return table(rows, style);
}

} // namespace netwright::report
