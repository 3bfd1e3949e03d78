// SPDX-License-Identifier: GPL-2.0-or-later
// The plan's text form.
#include "report/plan_text.h"

#include "report/changes_text.h"
#include "report/intent_text.h"

#include <fmt/format.h>

namespace netwright::report {
namespace {

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

// + it does not exist yet, - it is removed, ~ it changes
std::string_view sign(const Change& change) { return !change.from ? "+" : !change.to ? "-" : "~"; }

Tone tone_of(const Change& change) { return !change.from ? Tone::Green : !change.to ? Tone::Red : Tone::Yellow; }

std::string effect_words(const Change& change)
{
    std::string text = fmt::format("risk {} · reaches {} · ", to_text(change.risk), to_text(change.reach));
    text += change.persistence == Persistence::None ? "lost at the next boot"
                                                    : fmt::format("lasts through {}", to_text(change.persistence));
    if (change.interrupts) text += " · interrupts traffic";
    return text;
}

std::string change_text(const Change& change, const Style& style)
{
    std::string text =
        hanging(fmt::format("  {}", sign(change)), change_words(change), 4, style, tone_of(change), Tone::Bold);
    text += hanging("", change.why, 6, style);
    text += hanging("", effect_words(change), 6, style, Tone::Plain, Tone::Dim);
    return text + hanging("", change.because.empty() ? "" : "because of " + joined(change.because), 6, style,
                          Tone::Plain, Tone::Dim);
}

std::string heading(std::string_view words, const Style& style)
{
    return '\n' + paint(words, Tone::Bold, style) + '\n';
}

std::string inputs_text(const Plan& plan, const Style& style)
{
    std::string text;
    for (const PlanInput& input : plan.inputs)
        text += hanging("  -",
                        input.formula.empty() ? fmt::format("{}: {}", input.name, input.value)
                                              : fmt::format("{}: {} = {}", input.name, input.value, input.formula),
                        4, style);
    return text.empty() ? text : heading("Inputs", style) + text;
}

std::string left_out_text(const Plan& plan, const Style& style)
{
    std::string text;
    for (const LeftOut& item : plan.left_out)
        text +=
            hanging("  -", fmt::format("{}{}: {}", item.tunable, item.to.empty() ? "" : " → " + item.to, item.reason),
                    4, style);
    return text.empty() ? text : heading("Left out", style) + text;
}

std::string advice_text(const Plan& plan, const Style& style)
{
    std::string text;
    for (const std::string& advice : plan.advice)
        text += hanging("  -", advice, 4, style);
    return text.empty() ? text : heading("By hand", style) + text;
}

} // namespace

std::string plan_summary(const Plan& plan)
{
    std::string text =
        plan.changes.empty() ? "Nothing to change" : fmt::format("Plan: {} to change", plan.changes.size());
    if (!plan.left_out.empty()) text += fmt::format(", {} left out", plan.left_out.size());
    return text + '.';
}

std::string plan_text(const Plan& plan, const Style& style)
{
    std::string text = hanging("", fmt::format("Plan for {} · Linux {}", plan.made_for.hostname, plan.made_for.kernel),
                               0, style, Tone::Plain, Tone::Bold);
    text += hanging("for: ", intent_sentence(plan.intent), 5, style);
    for (const Change& change : plan.changes)
        text += '\n' + change_text(change, style);
    text += inputs_text(plan, style);
    text += left_out_text(plan, style);
    text += advice_text(plan, style);
    return text + '\n' + paint(plan_summary(plan), Tone::Bold, style) + '\n';
}

} // namespace netwright::report
