// SPDX-License-Identifier: GPL-2.0-or-later
// Asks every rule about every line.
#include "lint/lint.h"

#include "lint/rule.h"

#include <algorithm>
#include <tuple>

namespace netwright::lint {
namespace {

void add(std::vector<Diagnostic>& found, const Rule& rule, std::size_t source, Verdict verdict)
{
    if (!verdict) return;
    found.push_back({rule.about.id, verdict->level.value_or(rule.about.level), source, verdict->at,
                     std::move(verdict->message), std::move(verdict->why), std::move(verdict->fix)});
}

} // namespace

std::vector<LintRule> rules()
{
    std::vector<LintRule> all;
    for (const Rule& rule : rule_table())
        all.push_back(rule.about);
    return all;
}

std::vector<Diagnostic> lint(std::span<const SourceText> sources, const Target& target)
{
    const Scene scene(sources, target);
    std::vector<Diagnostic> found;
    for (const Fault& fault : scene.faults())
        for (const Rule& rule : rule_table())
            if (rule.fault) add(found, rule, fault.source, rule.fault(fault, scene));
    for (const Setting& setting : scene.settings()) {
        const bool stands = !setting.exclusion && scene.wins(setting);
        for (const Rule& rule : rule_table())
            if (rule.setting && (stands || !rule.only_winning))
                add(found, rule, setting.source, rule.setting(setting, scene));
    }
    std::ranges::stable_sort(found, {},
                             [](const Diagnostic& one) { return std::tuple(one.source, one.at.line, one.at.column); });
    return found;
}

} // namespace netwright::lint
