// SPDX-License-Identifier: GPL-2.0-or-later
// netwright audit: what holds this host's network stack back.
#include "cli/judged.h"
#include "report/audit_json.h"
#include "report/audit_text.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace netwright::cli {
namespace {

struct AuditFlags {
    LookFlags look;
    IntentFlags intent;
    bool json = false, brief = false;
    std::string fail_on;
};

int run(const AuditFlags& flags, const Globals& globals)
{
    Result<Severity> threshold = Severity::Critical;
    if (!flags.fail_on.empty()) threshold = parse_severity(flags.fail_on);
    if (!threshold) return complain(threshold.error(), usage);
    const auto judged = look_and_judge(flags.look, flags.intent, globals);
    if (!judged) return complain(judged.error(), judged.error().kind == Error::Kind::Rejected ? usage : failed);

    const auto detail = flags.brief ? report::Detail::Brief : report::Detail::Full;
    const auto& [host, intent, judgement] = *judged;
    const auto printed =
        print(flags.json ? report::audit_json(judgement, host, intent)
                         : report::audit_text(judgement, host, intent, style_of(STDOUT_FILENO, globals), detail));
    if (!printed) return complain(printed.error());
    const bool reached =
        std::ranges::any_of(judgement.findings, [&](const Finding& finding) { return finding.severity >= *threshold; });
    return !flags.fail_on.empty() && reached ? failed : done;
}

} // namespace

Action declare_audit(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<AuditFlags>();
    add_look_flags(app, flags->look, Source::Any);
    add_intent_flags(app, flags->intent);
    app.add_flag("--json", flags->json, "findings as JSON (docs/formats/audit.md)");
    app.add_flag("--brief", flags->brief, "titles, first evidence and what to do");
    app.add_option("--fail-on", flags->fail_on,
                   "exit with 1 on findings at or above: info, low, medium, high, critical")
        ->type_name("SEVERITY");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
