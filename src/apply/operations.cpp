// SPDX-License-Identifier: GPL-2.0-or-later
// Keeping, undoing, settling.
#include "apply/operations.h"

#include "apply/fingerprint.h"
#include "apply/lasting.h"
#include "apply/undo_script.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace netwright::apply {
namespace {

Receipt receipt_of(const Record& record)
{
    Receipt receipt;
    receipt.transaction = record.id;
    receipt.state = record.state;
    receipt.deadline_at = record.state == State::Applied ? record.deadline_at : "";
    receipt.network_namespace = record.space.initial ? "" : kernel::describe(record.space);
    return receipt;
}

void leave_what_lasts(Record& record)
{
    std::erase_if(record.steps, [](const Step& step) { return !step.lasts; });
}

// With only those of their steps that are to last.
Result<std::vector<Record>> confirmed_without(const Journal& journal, std::int64_t id)
{
    auto records = TRY(journal.all());
    std::erase_if(records, [&](const Record& one) { return one.state != State::Confirmed || one.id == id; });
    for (Record& one : records)
        leave_what_lasts(one);
    return records;
}

// The files as they must be when `record` is not (any more) among the confirmed.
Result<void> persist_without(const Journal& journal, const Record& record)
{
    if (record.etc_dir.empty()) return {};
    const auto others = TRY(confirmed_without(journal, record.id));
    return make_last(record.etc_dir, journal.directory(), lasting_of(others, record.etc_dir));
}

Result<Settings> persist_with(const Journal& journal, const Record& record)
{
    if (record.etc_dir.empty()) return Settings{};
    auto all = TRY(confirmed_without(journal, record.id));
    leave_what_lasts(all.emplace_back(record));
    std::ranges::sort(all, {}, &Record::id);
    Lasting lasting = lasting_of(all, record.etc_dir);
    TRY_VOID(make_last(record.etc_dir, journal.directory(), lasting));
    return std::move(lasting.sysctls);
}

std::vector<std::string> what_does_not_last(const Record& record)
{
    std::vector<std::string> warnings;
    for (const Step& step : record.steps) {
        if (step.follower) continue;
        const bool could = natural_persistence(step.tunable) != Persistence::None;
        if (could && !step.lasts) continue; // whoever reviewed the plan wanted it so
        if (could && !record.etc_dir.empty()) continue;
        warnings.push_back(fmt::format("{} is not made to last: {}", to_text(step.tunable),
                                       could
                                           ? "files in /etc are for the host, not for " + kernel::describe(record.space)
                                           : "it holds until the next boot or until what it belongs to is made anew"));
    }
    return warnings;
}

void add_steps(kernel::Kernel& kernel, const Record& record, Receipt& receipt)
{
    for (const Step& step : record.steps) {
        if (step.follower) continue;
        const auto now = tunable::read(kernel, step.tunable);
        StepReport report{step.tunable, Outcome::Set, step.from, step.to, now.value_or(std::nullopt), ""};
        if (!now)
            report.outcome = Outcome::Gone, report.note = now.error().what;
        else if (!tunable::same(step.tunable, *now, step.to) && !tunable::same(step.tunable, *now, step.shown)) {
            report.outcome = Outcome::ChangedSince;
            report.note = fmt::format("{} was changed by somebody else since it was applied", to_text(step.tunable));
        }
        if (!report.note.empty()) receipt.warnings.push_back(report.note);
        receipt.steps.push_back(std::move(report));
    }
}

// "transaction 5 has changed net.core.somaxconn since", where that is the reason.
std::string later_owner(const Journal& journal, const Record& record, const Tunable& tunable)
{
    const auto all = journal.all();
    if (!all) return {};
    for (auto later = all->rbegin(); later != all->rend() && later->id > record.id; ++later)
        if (later->state == State::Confirmed &&
            std::ranges::find(later->steps, tunable, &Step::tunable) != later->steps.end())
            return fmt::format("; transaction {} has changed it since: roll that back first", later->id);
    return {};
}

Result<void> refuse_foreign(kernel::Kernel& kernel, const Journal& journal, const Record& record)
{
    const auto foreign = changed_since(kernel, record);
    if (foreign.empty()) return {};
    std::string names;
    for (const StepReport& report : foreign)
        names +=
            fmt::format("{}{} is now {}{}", names.empty() ? "" : ", ", to_text(report.tunable),
                        report.now ? to_text(*report.now) : "nothing", later_owner(journal, record, report.tunable));
    return fail(
        Error::Kind::Mismatch,
        fmt::format("transaction {}: changed by somebody else since: {} (nothing was touched; --force writes the "
                    "old values over it, --leave puts back only the rest)",
                    record.id, names));
}

void note_outcomes(Record& record, const std::vector<StepReport>& reports)
{
    record.note.clear();
    for (const StepReport& report : reports) {
        const auto step = std::ranges::find(record.steps, report.tunable, &Step::tunable);
        if (report.outcome == Outcome::ChangedSince)
            step->state = StepState::Left;
        else if (report.outcome != Outcome::Failed)
            step->state = StepState::Restored;
        if (record.note.find(report.note) == std::string::npos) // several of an interface that is gone say the same
            record.note += (record.note.empty() ? "" : "; ") + report.note;
    }
}

bool any_failed(const std::vector<StepReport>& reports)
{
    return std::ranges::any_of(reports, [](const StepReport& report) { return report.outcome == Outcome::Failed; });
}

// Writes the end of the story. Whatever fails here, the values are back already.
Result<void> close_undone(Journal& journal, Record& record, bool failed, IfChanged changed, bool was_persisted)
{
    if (was_persisted) TRY_VOID(persist_without(journal, record));
    if (failed && changed != IfChanged::Overwrite) {
        (void)journal.save(record);
        return fail(
            Error::Kind::Interrupted,
            fmt::format("transaction {} is only partly undone: {} (it stays open: netwright recover tries again, "
                        "netwright rollback {} --force gives up)",
                        record.id, record.note, record.id));
    }
    stamp(record, failed ? State::Failed : State::Undone);
    TRY_VOID(journal.save(record));
    return remove_undo_script(journal.directory(), record.id);
}

bool is_waiting(const Record& record, const std::string& boot_id)
{
    return record.state == State::Applied && record.deadline.count() != 0 &&
           !has_expired(record, boot_id, now_since_boot());
}

Result<Receipt> settle_here(kernel::Kernel& here, Journal& journal, Record& record, bool same_boot)
{
    if (record.state == State::Keeping && same_boot)
        if (auto kept = keep(here, journal, record)) return kept;
    return undo(here, journal, record, IfChanged::Leave);
}

} // namespace

std::vector<std::string> consequences(const Record& record)
{
    std::vector<std::string> all;
    for (const Step& step : record.steps)
        if (std::string words = step.to && !step.follower ? tunable::consequence(step.tunable, *step.to) : "";
            !words.empty())
            all.push_back(std::move(words));
    return all;
}

void stamp(Record& record, State state)
{
    record.state = state;
    record.changed = utc_text(std::chrono::system_clock::now());
}

bool has_expired(const Record& record, const std::string& boot_id, BootTime now)
{
    return record.boot_id != boot_id || (record.deadline.count() != 0 && now >= record.deadline);
}

Result<Receipt> keep(kernel::Kernel& kernel, Journal& journal, Record& record)
{
    const Record before = record;
    if (record.state == State::Applied && has_expired(record, record.boot_id, now_since_boot()))
        return fail(Error::Kind::Rejected,
                    fmt::format("transaction {} was to be confirmed by {}: it is too late, it is being "
                                "rolled back; apply it again",
                                record.id, record.deadline_at));
    // From here on the owner's yes is on the disk: whoever finds it finishes what we began.
    stamp(record, State::Keeping);
    if (auto saved = journal.save(record); !saved) {
        record = before;
        return std::unexpected(std::move(saved).error());
    }
    auto settings = persist_with(journal, record);
    if (settings) {
        stamp(record, State::Confirmed);
        if (auto saved = journal.save(record); !saved) settings = std::unexpected(std::move(saved).error());
    }
    if (!settings) {
        record = before;
        (void)persist_without(journal, record);
        (void)journal.save(record);
        return std::unexpected(std::move(settings).error());
    }
    Receipt receipt = receipt_of(record);
    add_steps(kernel, record, receipt);
    for (std::string& consequence : consequences(record))
        receipt.warnings.push_back(std::move(consequence));
    if (auto removed = remove_undo_script(journal.directory(), record.id); !removed)
        receipt.warnings.push_back(removed.error().what);
    const auto overridden = overridden_by(record.etc_dir, *settings);
    const auto fleeting = what_does_not_last(record);
    receipt.warnings.insert(receipt.warnings.end(), overridden.begin(), overridden.end());
    receipt.warnings.insert(receipt.warnings.end(), fleeting.begin(), fleeting.end());
    return receipt;
}

Result<Receipt> undo(kernel::Kernel& kernel, Journal& journal, Record& record, IfChanged changed)
{
    if (changed == IfChanged::Refuse) TRY_VOID(refuse_foreign(kernel, journal, record));
    const Record before = record;
    const bool was_persisted =
        before.state == State::Keeping || before.state == State::Confirmed || before.state == State::Undoing;
    stamp(record, State::Undoing);
    auto saved = journal.save(record);
    if (!saved && before.state == State::Confirmed) { // nothing burns: rather do nothing than half of it
        record = before;
        return std::unexpected(std::move(saved).error());
    }
    Receipt receipt = receipt_of(record);
    receipt.steps = put_back(kernel, before, changed == IfChanged::Overwrite ? Foreign::Overwrite : Foreign::Leave);
    note_outcomes(record, receipt.steps);
    TRY_VOID(close_undone(journal, record, any_failed(receipt.steps), changed, was_persisted));
    receipt.state = record.state;
    for (const StepReport& report : receipt.steps)
        if (!report.note.empty() && std::ranges::find(receipt.warnings, report.note) == receipt.warnings.end())
            receipt.warnings.push_back(report.note);
    return receipt;
}

Result<Receipt> close_as_gone(Journal& journal, Record& record, const std::string& why)
{
    record.note = why;
    TRY_VOID(persist_without(journal, record));
    stamp(record, State::Undone);
    TRY_VOID(journal.save(record));
    TRY_VOID(remove_undo_script(journal.directory(), record.id));
    Receipt receipt = receipt_of(record);
    receipt.warnings.push_back(why);
    return receipt;
}

Result<Receipt> settle(kernel::Kernel& kernel, Journal& journal, Record& record)
{
    const std::string boot_id = TRY(boot_id_of(kernel));
    const bool same_boot = record.boot_id == boot_id;
    if (is_waiting(record, boot_id)) return receipt_of(record);
    if (!same_boot && !record.space.initial)
        return close_as_gone(journal, record, kernel::describe(record.space) + " ended with the last boot");
    auto done = in_namespace_of(record, kernel,
                                [&](kernel::Kernel& there) { return settle_here(there, journal, record, same_boot); });
    if (!done && done.error().kind == Error::Kind::Absent && !record.space.initial)
        return close_as_gone(journal, record, done.error().what);
    return done;
}

Result<Receipt> in_namespace_of(const Record& record, kernel::Kernel& kernel,
                                const std::function<Result<Receipt>(kernel::Kernel&)>& act)
{
    const auto here = TRY(namespace_of(kernel));
    const bool same = here.inode == record.space.inode && here.cookie == record.space.cookie;
    if (same || !kernel.files.is_live()) return act(kernel);
    // The host's namespace has another inode after a reboot, if at all; process 1 is always in it.
    if (record.space.initial && here.initial) return act(kernel);
    const Fd there = TRY(kernel::find_namespace(record.space));
    Result<Receipt> done = fail(Error::Kind::Interrupted, "not run");
    std::thread([&] {
        if (auto entered = kernel::enter_namespace(there); !entered) {
            done = std::unexpected(std::move(entered).error());
            return;
        }
        auto visiting = kernel::Kernel::live_in_namespace();
        if (visiting)
            done = act(*visiting);
        else
            done = std::unexpected(std::move(visiting).error());
    }).join();
    return done;
}

} // namespace netwright::apply
