// SPDX-License-Identifier: GPL-2.0-or-later
// Short ways to lint a text in a test.
#pragma once

#include "lint/lint.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

inline lint::Target newest_kernel()
{
    lint::Target target;
    target.kernel = {6, 18, 0};
    return target;
}

inline std::vector<Diagnostic> lint_text_of(std::string text, const lint::Target& target = newest_kernel())
{
    const std::vector<SourceText> sources{{"test.conf", std::move(text), {}, false}};
    return lint::lint(sources, target);
}

inline bool says(const std::vector<Diagnostic>& found, std::string_view rule, std::uint32_t line = 0)
{
    return std::ranges::any_of(
        found, [&](const Diagnostic& one) { return one.rule == rule && (line == 0 || one.at.line == line); });
}

inline const Diagnostic& the(const std::vector<Diagnostic>& found, std::string_view rule)
{
    const auto one = std::ranges::find(found, rule, &Diagnostic::rule);
    REQUIRE(one != found.end());
    return *one;
}

inline std::vector<std::string> rule_ids(const std::vector<Diagnostic>& found)
{
    std::vector<std::string> ids;
    for (const Diagnostic& one : found)
        ids.emplace_back(one.rule);
    return ids;
}

} // namespace netwright
