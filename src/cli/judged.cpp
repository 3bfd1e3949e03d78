// SPDX-License-Identifier: GPL-2.0-or-later
// Look, infer, judge.
#include "cli/judged.h"

#include "advise/infer.h"
#include "advise/rule.h"

namespace netwright::cli {

Result<Judged> look_and_judge(const LookFlags& look_flags, const IntentFlags& intent_flags, const Globals& globals)
{
    Intent given = TRY(given_intent(intent_flags));
    Snapshot host = TRY(look(look_flags, globals));
    Intent intent = advise::infer(host, std::move(given));
    Judgement judgement = advise::judge(host, intent);
    return Judged{std::move(host), std::move(intent), std::move(judgement)};
}

} // namespace netwright::cli
