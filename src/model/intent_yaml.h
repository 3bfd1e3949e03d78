// SPDX-License-Identifier: GPL-2.0-or-later
// The YAML form of an Intent (docs/formats/intent.md): netwright.yaml, written by people, and the part of a plan.
#pragma once

#include "model/intent.h"
#include "model/yaml_tree.h"

#include <string>
#include <string_view>

namespace netwright {

// netwright.yaml: every field may be left out. What stands there is `given`, with "<filename> line N" as its reason.
// Malformed with file:line:column.
Result<Intent> intent_from_yaml(std::string_view text, std::string_view filename);
std::string to_yaml(const Intent& intent); // netwright.yaml with what a person gave; the rest stands as comments

// The same inside a plan, where each answer keeps its reason: `value:`, `given:`, `reason:`.
Result<Intent> read_plan_intent(const YamlReader& reader, const YamlNode& node);
std::string write_plan_intent(const Intent& intent, std::size_t indent);

} // namespace netwright
