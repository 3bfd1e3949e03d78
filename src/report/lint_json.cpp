// SPDX-License-Identifier: GPL-2.0-or-later
// Diagnostics as JSON, our own form and SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), for machines that review.
#include "base/text.h"
#include "report/lint_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json; // fields stand in the order in which the format describes them

constexpr std::array<std::string_view, 5> fix_names{"none", "replace", "comment-out", "add-below", "move-above"};

std::string dumped(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n'; }

Json fix_json(const TextFix& fix)
{
    if (fix.words.empty()) return nullptr;
    Json json{{"kind", fix_names[static_cast<std::size_t>(fix.what)]}, {"words", fix.words}};
    if (fix.what == TextFix::What::None) return json;
    json["line"] = fix.at.line;
    json["column"] = fix.at.column;
    json["length"] = fix.at.length;
    json["text"] = fix.text;
    return json;
}

Json summary_json(const LintView& view)
{
    Json counts = Json::object();
    for (const Level level : {Level::Error, Level::Warning, Level::Note})
        counts[std::string(to_text(level))] = std::ranges::count(view.diagnostics, level, &Diagnostic::level);
    return {{"files", view.sources.size()}, {"by_level", std::move(counts)}};
}

// A path as a URI reference: what RFC 3986 does not take bare is written %XX.
std::string uri(std::string_view path)
{
    std::string text;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
        if (letter || std::string_view("-._~/").find(c) != std::string_view::npos)
            text += c;
        else
            text += fmt::format("%{:02X}", byte);
    }
    return path.starts_with('/') ? "file://" + text : text;
}

Json rules_json(const LintView& view)
{
    Json rules = Json::array();
    for (const LintRule& rule : view.rules)
        rules.push_back({{"id", rule.id},
                         {"shortDescription", {{"text", rule.summary}}},
                         {"defaultConfiguration", {{"level", to_text(rule.level)}}}});
    return rules;
}

Json region(std::string_view line, const TextPlace& at)
{
    Json json{{"startLine", at.line}};
    if (at.length == 0) return json;
    json["startColumn"] = character_column(line, at.column);
    json["endColumn"] = character_column(line, at.column + at.length);
    return json;
}

// What a fix does, as one deletion and one insertion. Empty where it cannot be said so.
Json replacement(const TextFix& fix, std::string_view line)
{
    const auto size = static_cast<std::uint32_t>(line.size());
    const Json line_start{{"startLine", fix.at.line}, {"startColumn", 1}, {"endColumn", 1}};
    const std::uint32_t end = character_column(line, size + 1);
    const Json line_end{{"startLine", fix.at.line}, {"startColumn", end}, {"endColumn", end}};
    switch (fix.what) {
    case TextFix::What::Replace:
        return {{"deletedRegion", region(line, fix.at)}, {"insertedContent", {{"text", fix.text}}}};
    case TextFix::What::CommentOut:
        return {{"deletedRegion", line_start}, {"insertedContent", {{"text", "# "}}}};
    case TextFix::What::AddBelow:
        return {{"deletedRegion", line_end}, {"insertedContent", {{"text", "\n" + fix.text}}}};
    default:
        return nullptr;
    }
}

Json result_json(const Diagnostic& one, const LintView& view, std::string_view line)
{
    const SourceText& source = view.sources[one.source];
    const Json artifact{{"uri", uri(source.name)}};
    const auto rule = std::ranges::find(view.rules, one.rule, &LintRule::id) - view.rules.begin();
    Json json{
        {"ruleId", one.rule},
        {"ruleIndex", rule},
        {"level", to_text(one.level)},
        {"message", {{"text", fmt::format("{}. {}", one.message, one.why)}}},
        {"locations",
         Json::array({{{"physicalLocation", {{"artifactLocation", artifact}, {"region", region(line, one.at)}}}}})}};
    const Json change = replacement(one.fix, line);
    if (!change.is_null())
        json["fixes"] =
            Json::array({{{"description", {{"text", one.fix.words}}},
                          {"artifactChanges",
                           Json::array({{{"artifactLocation", artifact}, {"replacements", Json::array({change})}}})}}});
    return json;
}

std::vector<std::vector<std::string_view>> lines_of(const LintView& view)
{
    std::vector<std::vector<std::string_view>> all;
    for (const SourceText& source : view.sources)
        all.push_back(split(source.text, '\n'));
    return all;
}

std::string_view line_of(const std::vector<std::string_view>& lines, std::uint32_t number)
{
    return number >= 1 && number <= lines.size() ? lines[number - 1] : std::string_view{};
}

} // namespace

std::string lint_json(const LintView& view)
{
    const auto lines = lines_of(view);
    Json diagnostics = Json::array();
    for (const Diagnostic& one : view.diagnostics)
        diagnostics.push_back({{"file", view.sources[one.source].name},
                               {"line", one.at.line},
                               {"column", character_column(line_of(lines[one.source], one.at.line), one.at.column)},
                               {"length", one.at.length},
                               {"rule", one.rule},
                               {"level", to_text(one.level)},
                               {"message", one.message},
                               {"why", one.why},
                               {"fix", fix_json(one.fix)}});
    return dumped({{"schema", lint_schema},
                   {"kernel", view.kernel},
                   {"judged_for", view.judged_for},
                   {"summary", summary_json(view)},
                   {"diagnostics", std::move(diagnostics)}});
}

std::string lint_sarif(const LintView& view)
{
    const auto lines = lines_of(view);
    Json results = Json::array();
    for (const Diagnostic& one : view.diagnostics)
        results.push_back(result_json(one, view, line_of(lines[one.source], one.at.line)));
    const Json driver{{"name", "netwright"}, {"version", NETWRIGHT_VERSION}, {"rules", rules_json(view)}};
    const Json run{
        {"tool", {{"driver", driver}}}, {"columnKind", "unicodeCodePoints"}, {"results", std::move(results)}};
    return dumped({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                   {"version", "2.1.0"},
                   {"runs", Json::array({run})}});
}

} // namespace netwright::report
