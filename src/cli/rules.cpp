// SPDX-License-Identifier: GPL-2.0-or-later
// netwright rules: what audit checks, and why.
#include "advise/rule.h"
#include "base/text.h"
#include "cli/command.h"
#include "report/rules_text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace netwright::cli {
namespace {

report::RuleView view(const advise::Rule& rule)
{
    return {std::string(rule.id), std::string(rule.question), std::string(rule.explanation), std::string(rule.source)};
}

int explain(const std::string& id, const report::Style& style)
{
    if (const advise::Rule* rule = advise::find_rule(id)) {
        const auto printed = print(report::rule_text(view(*rule), style));
        return printed ? done : complain(printed.error());
    }
    const auto nearest = std::ranges::min_element(advise::rulebook(), {},
                                                  [&](const advise::Rule& rule) { return edit_distance(rule.id, id); });
    return complain(fmt::format("no rule '{}': did you mean {}? (all of them: netwright rules)", id, nearest->id),
                    usage);
}

int run(const std::string& id, const Globals& globals)
{
    const report::Style style = style_of(STDOUT_FILENO, globals);
    if (!id.empty()) return explain(id, style);
    std::vector<report::RuleView> views;
    std::ranges::transform(advise::rulebook(), std::back_inserter(views), view);
    const auto printed = print(report::rules_text(views, style));
    return printed ? done : complain(printed.error());
}

} // namespace

Action declare_rules(CLI::App& app, const Globals& globals)
{
    auto id = std::make_shared<std::string>();
    app.add_option("rule", *id, "explain this one")->type_name("ID");
    return [id, &globals] { return run(*id, globals); };
}

} // namespace netwright::cli
