// SPDX-License-Identifier: GPL-2.0-or-later
// Verdicts as a table, and as JSON.
#pragma once

#include "model/verdict.h"
#include "report/terminal.h"

#include <span>
#include <string>
#include <vector>

namespace netwright::cli {

// `principal`: the metrics that decide; they stand first and are marked.
std::string verdict_table(std::span<const Verdict> verdicts, const std::vector<std::string>& principal,
                          const report::Style& style);
// [{"metric", "outcome", "effect": {"scale", "low", "estimate", "high"}, "values", "level"}]; null: unbounded.
std::string verdicts_json(std::span<const Verdict> verdicts);

} // namespace netwright::cli
