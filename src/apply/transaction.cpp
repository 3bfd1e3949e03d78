// SPDX-License-Identifier: GPL-2.0-or-later
// Applying a plan so that nothing can be lost.
#include "apply/transaction.h"

#include "apply/check_command.h"
#include "apply/fingerprint.h"
#include "apply/undo_script.h"
#include "apply/watchdog.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace netwright::apply {
namespace {

constexpr std::chrono::milliseconds lock_patience{1500}; // longer than a watchdog or `status` ever holds it

std::string value_text(const std::optional<Value>& value) { return value ? to_text(*value) : "nothing"; }

Result<void> refuse_second(const Journal& journal)
{
    const auto open = TRY(journal.open_ones());
    if (open.empty()) return {};
    const Record& record = open.front();
    return fail(Error::Kind::Busy,
                fmt::format("transaction {} is still open ({}): netwright confirm, netwright rollback {} or netwright "
                            "recover first",
                            record.id, to_text(record.state), record.id));
}

Result<void> refuse_empty_or_double(const Plan& plan)
{
    if (plan.changes.empty()) return fail(Error::Kind::Rejected, "the plan holds no changes: nothing to apply");
    std::set<Tunable> seen;
    for (const Change& change : plan.changes)
        if (!seen.insert(change.tunable).second)
            return fail(Error::Kind::Rejected,
                        fmt::format("the plan changes {} twice: keep one of them", to_text(change.tunable)));
    return {};
}

Result<Step> examine(kernel::Kernel& kernel, const Change& change)
{
    if (change.to) TRY_VOID(tunable::check(kernel, change.tunable, *change.to));
    Step step{.tunable = change.tunable,
              .from = {},
              .to = change.to,
              .shown = {},
              .lasts = change.persistence != Persistence::None};
    step.from = TRY(tunable::read(kernel, change.tunable));
    if (tunable::same(step.tunable, step.from, change.from)) return step;
    return fail(Error::Kind::Mismatch,
                fmt::format("{} is now {}, but the plan was made when it was {}: make a new plan",
                            to_text(change.tunable), value_text(step.from), value_text(change.from)));
}

// Values that the kernel itself moves when we write ours; they have to come back as well.
void add_followers(kernel::Kernel& kernel, std::vector<Step>& steps)
{
    std::set<Tunable> known;
    for (const Step& step : steps)
        known.insert(step.tunable);
    const std::size_t changes = steps.size();
    for (std::size_t place = 0; place < changes; ++place)
        for (const Tunable& other : tunable::also_changed_by(kernel, steps[place].tunable)) {
            if (!known.insert(other).second) continue;
            auto now = tunable::read(kernel, other);
            if (now)
                steps.push_back({.tunable = other, .from = std::move(*now), .to = {}, .shown = {}, .follower = true});
        }
}

Result<std::vector<Step>> examine_all(kernel::Kernel& kernel, const Plan& plan)
{
    TRY_VOID(refuse_empty_or_double(plan));
    const Fingerprint present = TRY(fingerprint(kernel));
    TRY_VOID(compare(plan, present));
    std::vector<Step> steps;
    for (const Change& change : plan.changes)
        steps.push_back(TRY(examine(kernel, change)));
    add_followers(kernel, steps);
    return steps;
}

Result<Record> first_record(kernel::Kernel& kernel, const ApplyOptions& options, std::vector<Step> steps)
{
    Record record;
    record.steps = std::move(steps);
    record.space = TRY(namespace_of(kernel));
    record.boot_id = TRY(boot_id_of(kernel));
    record.host = kernel.files.read_line("etc/machine-id").value_or("");
    record.owner = this_process();
    record.plan_text = options.plan_text;
    if (options.etc_dir)
        record.etc_dir = options.etc_dir->string();
    else if (record.space.initial && kernel.files.is_live())
        record.etc_dir = "/etc";
    stamp(record, State::Prepared);
    record.started = record.changed;
    return record;
}

StepReport planned(const Step& step, Outcome outcome)
{
    return {step.tunable, outcome, step.from, step.to, step.shown, ""};
}

} // namespace

Transaction::Transaction(kernel::Kernel& kernel, Journal& journal, ApplyOptions options, Lock lock, Record record)
    : kernel_(&kernel), journal_(&journal), options_(std::move(options)), lock_(std::move(lock)),
      record_(std::move(record))
{
}

Transaction::Transaction(Transaction&& other) noexcept
    : kernel_(other.kernel_), journal_(other.journal_), options_(std::move(other.options_)),
      lock_(std::move(other.lock_)), record_(std::move(other.record_)), owned_(std::exchange(other.owned_, false))
{
}

Transaction::~Transaction()
{
    if (owned_) (void)undo(); // the journal keeps what could not be done: `recover` finds it
}

Result<Transaction> Transaction::begin(kernel::Kernel& kernel, Journal& journal, const Plan& plan,
                                       const ApplyOptions& options)
{
    Lock lock = TRY(Lock::take(journal.directory(), lock_patience));
    TRY_VOID(refuse_second(journal));
    auto steps = TRY(examine_all(kernel, plan));
    Record record = TRY(first_record(kernel, options, std::move(steps)));
    record.id = TRY(journal.add(record));
    lock.announce(record.id);
    Transaction transaction(kernel, journal, options, std::move(lock), std::move(record));
    // From here on a failure ends in the destructor, which closes the transaction again.
    TRY_VOID(write_undo_script(journal.directory(), transaction.record_));
    return transaction;
}

Result<Receipt> Transaction::rehearse(kernel::Kernel& kernel, const Plan& plan)
{
    Receipt receipt;
    for (const Step& step : TRY(examine_all(kernel, plan)))
        if (!step.follower) receipt.steps.push_back(planned(step, Outcome::Set));
    return receipt;
}

Result<void> Transaction::start_guard()
{
    if (options_.guard == Guard::Watchdog) record_.watchdog = TRY(start_watchdog(*kernel_, *journal_, record_.id));
    stamp(record_, State::Applying);
    return journal_->save(record_);
}

Result<void> Transaction::write_all()
{
    for (std::size_t place = 0; place < record_.steps.size(); ++place) {
        Step& step = record_.steps[place];
        if (step.follower) continue;
        TRY_VOID(journal_->mark(record_.id, place, StepState::Writing));
        step.state = StepState::Writing;
        TRY_VOID(step.to ? tunable::write(*kernel_, step.tunable, *step.to) : tunable::clear(*kernel_, step.tunable));
        step.shown = TRY(tunable::read(*kernel_, step.tunable));
        if (!tunable::same(step.tunable, step.shown, step.to))
            return fail(Error::Kind::Mismatch, fmt::format("{} shows {} after {} was written", to_text(step.tunable),
                                                           value_text(step.shown), value_text(step.to)));
    }
    return {};
}

// Some writes move values that were written before them.
Result<void> Transaction::verify_all()
{
    for (Step& step : record_.steps) {
        auto now = tunable::read(*kernel_, step.tunable);
        if (step.follower) {
            if (now) step.shown = std::move(*now);
            continue;
        }
        if (!now) return std::unexpected(std::move(now).error());
        step.shown = std::move(*now);
        if (!tunable::same(step.tunable, step.shown, step.to))
            return fail(Error::Kind::Mismatch,
                        fmt::format("{} shows {} again, not {}: another change of this plan moves it",
                                    to_text(step.tunable), value_text(step.shown), value_text(step.to)));
        step.state = StepState::Written;
    }
    return {};
}

Result<void> Transaction::wait_for_owner()
{
    if (options_.confirm_within) {
        record_.deadline = now_since_boot() + *options_.confirm_within;
        record_.deadline_at = utc_text(std::chrono::system_clock::now() + *options_.confirm_within);
    }
    stamp(record_, State::Applied);
    return journal_->save(record_);
}

Error Transaction::undone_because(Error reason)
{
    const auto back = undo();
    if (!back)
        reason.what += fmt::format("; {}", back.error().what);
    else if (back->warnings.empty())
        reason.what += "; everything was put back";
    else // an interface was unplugged meanwhile, or somebody else wrote
        reason.what += fmt::format("; what could be was put back, not this: {}", fmt::join(back->warnings, "; "));
    return reason;
}

Result<Receipt> Transaction::apply()
{
    ENSURE(record_.state == State::Prepared && owned_);
    auto done = start_guard();
    if (done) done = write_all();
    if (done) done = verify_all();
    if (done && options_.verify) done = options_.verify(*kernel_);
    if (done && !options_.check_command.empty()) done = run_check(options_.check_command, options_.check_timeout);
    if (done) done = wait_for_owner();
    if (!done) return std::unexpected(undone_because(std::move(done).error()));
    if (options_.confirm_within) lock_.reset();
    Receipt receipt{.transaction = record_.id,
                    .state = record_.state,
                    .warnings = consequences(record_),
                    .deadline_at = record_.deadline_at,
                    .network_namespace = record_.space.initial ? "" : kernel::describe(record_.space)};
    for (const Step& step : record_.steps)
        if (!step.follower) receipt.steps.push_back(planned(step, Outcome::Set));
    return receipt;
}

// Others may have worked on it while the lock was free: the journal knows.
Result<void> Transaction::lock_again()
{
    if (lock_) return {};
    lock_ = TRY(Lock::take(journal_->directory(), lock_patience));
    lock_->announce(record_.id);
    record_ = TRY(journal_->find(record_.id));
    return {};
}

Result<Receipt> Transaction::keep()
{
    TRY_VOID(lock_again());
    if (record_.state != State::Applied) {
        owned_ = owned_ && is_open(record_.state);
        return fail(Error::Kind::Rejected, fmt::format("transaction {} is {}: it cannot be confirmed any more",
                                                       record_.id, to_text(record_.state)));
    }
    auto kept = apply::keep(*kernel_, *journal_, record_);
    if (kept) leave();
    return kept;
}

Result<Receipt> Transaction::undo()
{
    owned_ = false;
    TRY_VOID(lock_again());
    if (!is_open(record_.state)) return Receipt{.transaction = record_.id, .state = record_.state};
    auto undone = apply::undo(*kernel_, *journal_, record_, IfChanged::Leave);
    lock_.reset();
    return undone;
}

} // namespace netwright::apply
