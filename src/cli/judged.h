// SPDX-License-Identifier: GPL-2.0-or-later
// Look, infer, judge: the way that audit and plan share.
#pragma once

#include "cli/intent_flags.h"
#include "cli/look.h"
#include "model/finding.h"

namespace netwright::cli {

struct Judged {
    Snapshot host;
    Intent intent;
    Judgement judgement;
};

// Flags are checked before anything is looked at: a typing error costs no time.
Result<Judged> look_and_judge(const LookFlags& look, const IntentFlags& intent, const Globals& globals);

} // namespace netwright::cli
