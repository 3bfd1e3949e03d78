// SPDX-License-Identifier: GPL-2.0-or-later
// The rulebook's text form.
#include "report/rules_text.h"

#include <vector>

namespace netwright::report {

std::string rules_text(std::span<const RuleView> rules, const Style& style)
{
    std::vector<std::vector<std::string>> rows{{"RULE", "QUESTION"}};
    for (const RuleView& rule : rules)
        rows.push_back({rule.id, rule.question});
    return table(rows, style) + '\n' + counted(rules.size(), "rule") + "; `netwright rules RULE` explains one.\n";
}

std::string rule_text(const RuleView& rule, const Style& style)
{
    std::string text = paint(rule.id, Tone::Bold, style) + '\n';
    text += hanging("", rule.question, 0, style) + '\n';
    text += hanging("", rule.explanation, 0, style) + '\n';
    return text + hanging("source: ", rule.source, 8, style, Tone::Dim, Tone::Dim);
}

} // namespace netwright::report
