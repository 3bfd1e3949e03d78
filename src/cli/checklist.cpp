// SPDX-License-Identifier: GPL-2.0-or-later
// netwright checklist: how far a tuning campaign really is.
#include "advise/checklist.h"

#include "apply/journal.h"
#include "apply/process.h"
#include "apply/status.h"
#include "cli/campaign.h"
#include "cli/judged.h"
#include "model/plan_yaml.h"
#include "report/checklist_text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

namespace netwright::cli {
namespace {

namespace fs = std::filesystem;

struct ChecklistFlags {
    LookFlags look;
    IntentFlags intent;
    bool json = false;
};

// The files of a directory below the state directory, with the time they were written. None where there is none.
std::vector<advise::Dated> kept_in(const fs::path& directory)
{
    std::vector<advise::Dated> all;
    std::error_code problem;
    for (fs::directory_iterator at(directory, problem), end; !problem && at != end; at.increment(problem)) {
        std::error_code unknown;
        const auto written = fs::last_write_time(at->path(), unknown);
        if (unknown || !at->is_regular_file(unknown)) continue;
        const auto when =
            std::chrono::time_point_cast<std::chrono::system_clock::duration>(std::chrono::file_clock::to_sys(written));
        all.push_back({at->path().filename().string(), apply::utc_text(when)});
    }
    std::ranges::sort(all, {}, &advise::Dated::when);
    return all;
}

std::size_t unexplained(const apply::Record& record)
{
    const auto plan = plan_from_yaml(record.plan_text, "the journal");
    if (!plan) return record.steps.size(); // nobody can read why
    return static_cast<std::size_t>(
        std::ranges::count_if(plan->changes, [](const Change& change) { return change.why.empty(); }));
}

// A step that set something must know what was there, unless the place held nothing: then undoing clears it.
advise::Done done_of(const apply::Record& record)
{
    advise::Done one;
    one.id = record.id;
    one.started = record.started;
    one.confirmed = record.state == apply::State::Confirmed;
    one.given_up = record.state == apply::State::Failed;
    one.changes = static_cast<std::size_t>(std::ranges::count(record.steps, false, &apply::Step::follower));
    one.without_way_back = static_cast<std::size_t>(std::ranges::count_if(record.steps, [](const apply::Step& step) {
        return !step.follower && !step.from && std::holds_alternative<SysctlKey>(step.tunable);
    }));
    one.unexplained = unexplained(record);
    one.lasts = !record.etc_dir.empty();
    return one;
}

void add_journal(const Globals& globals, advise::Campaign& campaign)
{
    const auto journal = apply::Journal::open(globals.state_dir, apply::Access::Read);
    if (!journal && journal.error().kind == Error::Kind::Absent) return; // nothing was ever applied
    auto records = journal ? journal->all() : Result<std::vector<apply::Record>>(std::unexpected(journal.error()));
    if (!records) {
        campaign.journal_problem = records.error().what;
        return;
    }
    for (const apply::Record& record : *records)
        campaign.transactions.push_back(done_of(record));
}

void add_drift(const Globals& globals, advise::Campaign& campaign)
{
    auto kernel = open_kernel(globals);
    if (!kernel) return;
    const auto drift = apply::drift(*kernel, globals.state_dir);
    if (!drift) return;
    for (const apply::Drift& one : *drift)
        campaign.drifted.push_back(
            fmt::format("{} is not what transaction {} confirmed any more", to_text(one.tunable), one.transaction));
}

bool recovers_at_boot(const std::string& root)
{
    std::error_code ignored;
    for (const char* directory : {"etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"})
        if (fs::exists(fs::path(root.empty() ? "/" : root) / directory / "netwright-recover.service", ignored))
            return true;
    return false;
}

int run(const ChecklistFlags& flags, const Globals& globals)
{
    const auto judged = look_and_judge(flags.look, flags.intent, globals);
    if (!judged) return complain(judged.error(), judged.error().kind == Error::Kind::Rejected ? usage : failed);
    const advise::Case about{judged->host, judged->intent};
    advise::Campaign campaign{about, judged->judgement, {}, {}, {}, {}, {}, false};
    add_journal(globals, campaign);
    if (campaign.journal_problem) complain(*campaign.journal_problem, failed);
    if (flags.look.root.empty()) add_drift(globals, campaign);
    campaign.baselines = kept_in(globals.state_dir / "baselines");
    campaign.experiments = kept_in(globals.state_dir / "experiments");
    campaign.recovers_at_boot = recovers_at_boot(flags.look.root);
    const auto steps = advise::checklist(campaign);
    const auto printed = print(flags.json ? report::checklist_json(steps)
                                          : report::checklist_text(steps, style_of(STDOUT_FILENO, globals)));
    return printed ? done : complain(printed.error());
}

} // namespace

Action declare_checklist(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<ChecklistFlags>();
    add_look_flags(app, flags->look, Source::NoFile);
    add_intent_flags(app, flags->intent);
    app.add_flag("--json", flags->json, "for machines");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
