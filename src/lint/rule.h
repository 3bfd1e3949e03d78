// SPDX-License-Identifier: GPL-2.0-or-later
// What a rule is: an id, a usual level, a sentence, and one function over a setting or a fault.
#pragma once

#include "lint/scene.h"

#include <span>

namespace netwright::lint {

// A rule's answer: where, what, why, and what to write instead.
struct Remark {
    TextPlace at;
    std::string message, why;
    TextFix fix;
    std::optional<Level> level; // where it differs from the rule's
};
using Verdict = std::optional<Remark>;

struct Rule {
    LintRule about;
    Verdict (*fault)(const Fault&, const Scene&);     // null for rules over settings
    Verdict (*setting)(const Setting&, const Scene&); // null for rules over faults
    // Values that are overridden later are not judged: they never stand. Keys are.
    bool only_winning = true;
};
std::span<const Rule> rule_table();

// --- fixes ---
TextFix no_fix(std::string words); // for people to do
TextFix comment_out(const Setting& setting);
TextFix write_value(const Setting& setting, std::string value);
TextFix write_key(const Setting& setting, std::string key);
TextFix add_line(const Setting& setting, std::string line); // below the setting's own

// --- the rules, by file ---
// rules_form.cpp
Verdict judge_unreadable(const Fault&, const Scene&);
Verdict judge_binary(const Fault&, const Scene&);
Verdict judge_long_line(const Fault&, const Scene&);
Verdict judge_byte_order_mark(const Fault&, const Scene&);
Verdict judge_malformed(const Fault&, const Scene&);
Verdict judge_trailing_comment(const Setting&, const Scene&);
// rules_key.cpp
Verdict judge_removed(const Setting&, const Scene&);
Verdict judge_renamed(const Setting&, const Scene&);
Verdict judge_misspelt(const Setting&, const Scene&);
Verdict judge_unknown(const Setting&, const Scene&);
Verdict judge_too_new(const Setting&, const Scene&);
Verdict judge_dead(const Setting&, const Scene&);
Verdict judge_superseded(const Setting&, const Scene&);
Verdict judge_read_only(const Setting&, const Scene&);
Verdict judge_module(const Setting&, const Scene&);
Verdict judge_absent_interface(const Setting&, const Scene&);
Verdict judge_overridden(const Setting&, const Scene&);
// rules_value.cpp
Verdict judge_empty(const Setting&, const Scene&);
Verdict judge_suffix(const Setting&, const Scene&);
Verdict judge_octal(const Setting&, const Scene&);
Verdict judge_arity(const Setting&, const Scene&);
Verdict judge_range(const Setting&, const Scene&);
Verdict judge_pages(const Setting&, const Scene&);
Verdict judge_milliseconds(const Setting&, const Scene&);
Verdict judge_two_jiffies(const Setting&, const Scene&);
Verdict judge_privileged_ports(const Setting&, const Scene&);
// rules_default.cpp
Verdict judge_equals_default(const Setting&, const Scene&);
Verdict judge_below_default(const Setting&, const Scene&);
// rules_harm.cpp
Verdict judge_harmful(const Setting&, const Scene&);
Verdict judge_security(const Setting&, const Scene&);
Verdict judge_large_initial_buffer(const Setting&, const Scene&);
Verdict judge_too_much_memory(const Setting&, const Scene&);
// rules_recipe.cpp
Verdict judge_long_queue(const Setting&, const Scene&);
Verdict judge_algorithm(const Setting&, const Scene&);
Verdict judge_fastopen(const Setting&, const Scene&);
Verdict judge_time_wait(const Setting&, const Scene&);
Verdict judge_core_maximum(const Setting&, const Scene&);
Verdict judge_syn_backlog(const Setting&, const Scene&);
Verdict judge_port_range(const Setting&, const Scene&);
Verdict judge_idle_restart(const Setting&, const Scene&);
// rules_pair.cpp
Verdict judge_contradiction(const Setting&, const Scene&);
Verdict judge_pair_order(const Setting&, const Scene&);
Verdict judge_conntrack_buckets(const Setting&, const Scene&);
// rules_scope.cpp
Verdict judge_all_scope(const Setting&, const Scene&);
Verdict judge_default_scope(const Setting&, const Scene&);
Verdict judge_exempt_interface(const Setting&, const Scene&);

} // namespace netwright::lint
