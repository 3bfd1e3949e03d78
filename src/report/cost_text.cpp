// SPDX-License-Identifier: GPL-2.0-or-later
// Figures with their formulas beneath.
#include "report/cost_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json;

void add_list(std::string& text, std::string_view head, const std::vector<std::string>& lines, const Style& style)
{
    if (lines.empty()) return;
    text += fmt::format("\n{}\n", head);
    for (const std::string& line : lines)
        text += hanging("  -", line, 4, style);
}

} // namespace

std::string cost_text(const CostReport& report, const Style& style)
{
    std::string text;
    for (const CostLine& line : report.lines) {
        text += fmt::format("{}: {}\n", line.name, paint(printable(line.value), Tone::Bold, style));
        text += hanging("    = ", line.formula, 6, style, Tone::Dim, Tone::Dim);
    }
    if (report.lines.empty()) text = "Nothing can be computed from so little.\n";
    add_list(text, "How far this carries:", report.remarks, style);
    add_list(text, "Not computed; it needs:", report.missing, style);
    return text;
}

std::string cost_json(const CostReport& report)
{
    Json lines = Json::array();
    for (const CostLine& line : report.lines) {
        Json one{{"name", line.name}, {"value", printable(line.value)}, {"formula", printable(line.formula)}};
        if (line.range) one["range"] = {{"least", line.range->least}, {"most", line.range->most}};
        lines.push_back(std::move(one));
    }
    const Json json{
        {"schema", 1}, {"lines", std::move(lines)}, {"remarks", report.remarks}, {"missing", report.missing}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace netwright::report
