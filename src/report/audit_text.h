// SPDX-License-Identifier: GPL-2.0-or-later
// An audit for a tired person at a terminal: what is wrong first, what could not be seen last.
#pragma once

#include "model/finding.h"
#include "model/intent.h"
#include "model/snapshot.h"
#include "report/terminal.h"

#include <string>

namespace netwright::report {

enum class Detail {
    Brief, // one block a finding: title, first evidence, what to do
    Full   // why, cost, risk, security and sources too
};

// Header, findings as the judgement orders them, conventions in a section of their own, what was not judged, what was
// not seen, and a summary line. Ends with a newline.
std::string audit_text(const Judgement& judgement, const Snapshot& snapshot, const Intent& intent, const Style& style,
                       Detail detail = Detail::Full);

// "2 findings (1 high, 1 low), 57 rules, 3 not judged"
std::string audit_summary(const Judgement& judgement);

} // namespace netwright::report
