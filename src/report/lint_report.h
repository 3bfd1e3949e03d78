// SPDX-License-Identifier: GPL-2.0-or-later
// What lint found, in three forms: as a compiler says it, as JSON (docs/lint.md), as SARIF 2.1.0.
#pragma once

#include "model/diagnostic.h"
#include "report/terminal.h"

#include <span>
#include <string>

namespace netwright::report {

struct LintView {
    std::span<const SourceText> sources;
    std::span<const Diagnostic> diagnostics; // of those sources
    std::span<const LintRule> rules;         // all there are
    std::string kernel;                      // "6.18.0"
    std::string judged_for;                  // "Linux 6.18.0 (this host)"
};

inline constexpr int lint_schema = 1;

std::string lint_text(const LintView& view, const Style& style);
std::string lint_json(const LintView& view);
std::string lint_sarif(const LintView& view);
std::string lint_rules_text(std::span<const LintRule> rules, const Style& style);

// The line of a source, without its ending; "" where there is none. Values of secrets are cut off behind the '='.
std::string shown_line(const SourceText& source, std::uint32_t line);
// A column counted in characters, as editors count, from 1; bytes of a character that is not UTF-8 count one each.
std::uint32_t character_column(std::string_view line, std::uint32_t byte_column);

} // namespace netwright::report
