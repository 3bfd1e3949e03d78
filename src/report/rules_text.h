// SPDX-License-Identifier: GPL-2.0-or-later
// The rulebook for people: a list of questions, or one rule explained.
#pragma once

#include "report/terminal.h"

#include <span>
#include <string>

namespace netwright::report {

struct RuleView { // what a reader needs of a rule; the rules themselves live in advise/
    std::string id, question, explanation, source;
};

std::string rules_text(std::span<const RuleView> rules, const Style& style);
std::string rule_text(const RuleView& rule, const Style& style);

} // namespace netwright::report
