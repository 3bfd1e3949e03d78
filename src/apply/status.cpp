// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the journal for people.
#include "apply/status.h"

#include "apply/fingerprint.h"
#include "apply/lasting.h"
#include "apply/operations.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace netwright::apply {
namespace {

Result<std::vector<Record>> all_records(const std::filesystem::path& state_dir)
{
    auto journal = Journal::open(state_dir, Access::Read);
    if (!journal && journal.error().kind == Error::Kind::Absent) return std::vector<Record>{};
    if (!journal) return std::unexpected(std::move(journal).error());
    return journal->all();
}

std::string advice_for(const OpenTransaction& open)
{
    const std::int64_t id = open.record.id;
    if (open.record.state == State::Applied && !open.expired && open.watchdog_alive)
        return fmt::format("netwright confirm keeps it; without that it is undone at {}", open.record.deadline_at);
    if (open.record.state == State::Applied && !open.expired)
        return "its watchdog has died: netwright confirm keeps it, netwright recover watches over it again";
    if (open.owner_alive || open.watchdog_alive) return "it is being worked on: wait";
    return fmt::format("nobody looks after it: netwright recover undoes it (by hand: sh undo-{}.sh)", id);
}

OpenTransaction look_at(Record record, const std::string& boot_id)
{
    OpenTransaction open;
    const bool same_boot = record.boot_id == boot_id;
    open.expired = has_expired(record, boot_id, now_since_boot());
    open.watchdog_alive = same_boot && is_alive(record.watchdog);
    open.owner_alive = same_boot && is_alive(record.owner);
    if (record.state == State::Applied && !open.expired && record.deadline.count() != 0)
        open.remaining = std::chrono::ceil<std::chrono::seconds>(record.deadline - now_since_boot());
    open.record = std::move(record);
    open.advice = advice_for(open);
    return open;
}

Summary summary_of(const Record& record)
{
    return {record.id,
            record.state,
            record.started,
            record.changed,
            static_cast<std::size_t>(std::ranges::count(record.steps, false, &Step::follower)),
            record.space.initial ? "" : kernel::describe(record.space),
            record.note};
}

} // namespace

Result<Status> status(const kernel::Kernel& kernel, const std::filesystem::path& state_dir)
{
    Status answer;
    const std::string boot_id = TRY(boot_id_of(kernel));
    for (Record& record : TRY(all_records(state_dir))) {
        if (record.state == State::Confirmed) ++answer.confirmed;
        if (is_open(record.state))
            answer.open.push_back(look_at(std::move(record), boot_id));
        else
            answer.last = summary_of(record);
    }
    return answer;
}

Result<std::vector<Summary>> history(const std::filesystem::path& state_dir)
{
    std::vector<Summary> summaries;
    for (const Record& record : TRY(all_records(state_dir)))
        summaries.push_back(summary_of(record));
    std::ranges::reverse(summaries);
    return summaries;
}

Result<std::vector<InForce>> in_force(const std::filesystem::path& state_dir)
{
    std::map<Tunable, InForce> last;
    for (const Record& record : TRY(all_records(state_dir))) {
        if (record.state != State::Confirmed) continue;
        for (const Step& step : record.steps) {
            if (step.follower) continue;
            const bool lasts = step.lasts && !record.etc_dir.empty();
            last.insert_or_assign(step.tunable, InForce{step.tunable, step.to, record.id,
                                                        lasts ? place_of(record.etc_dir, step.tunable) : ""});
        }
    }
    std::vector<InForce> all;
    for (auto& [tunable, one] : last)
        all.push_back(std::move(one));
    return all;
}

Result<std::vector<Drift>> drift(kernel::Kernel& kernel, const std::filesystem::path& state_dir)
{
    const auto here = TRY(namespace_of(kernel));
    struct Confirmed {
        std::int64_t transaction;
        std::optional<Value> value;
    };
    std::map<Tunable, Confirmed> confirmed;
    for (const Record& record : TRY(all_records(state_dir))) {
        const bool here_too = record.space.initial
                                  ? here.initial
                                  : record.space.cookie == here.cookie && record.space.inode == here.inode;
        if (record.state != State::Confirmed || !here_too) continue;
        for (const Step& step : record.steps)
            if (!step.follower) confirmed[step.tunable] = {record.id, step.shown ? step.shown : step.to};
    }
    std::vector<Drift> drifted;
    for (auto& [tunable, wanted] : confirmed) {
        auto now = tunable::read(kernel, tunable);
        if (now && tunable::same(tunable, *now, wanted.value)) continue;
        drifted.push_back({wanted.transaction, tunable, wanted.value, std::move(now)});
    }
    return drifted;
}

} // namespace netwright::apply
