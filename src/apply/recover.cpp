// SPDX-License-Identifier: GPL-2.0-or-later
// confirm, rollback, recover.
#include "apply/recover.h"

#include "apply/fingerprint.h"
#include "apply/lock.h"
#include "apply/undo_script.h"
#include "apply/watchdog.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::apply {
namespace {

constexpr std::chrono::milliseconds lock_patience{1500};

Result<Record> find_waiting(const Journal& journal, std::optional<std::int64_t> id)
{
    if (id) return journal.find(*id);
    auto open = TRY(journal.open_ones());
    if (!open.empty()) return std::move(open.front());
    const auto all = TRY(journal.all());
    const std::string last = all.empty() ? ""
                                         : fmt::format(" (transaction {} is {} since {})", all.back().id,
                                                       to_text(all.back().state), all.back().changed);
    return fail(Error::Kind::Rejected, "no transaction waits to be confirmed" + last);
}

Result<Record> find_to_roll_back(const Journal& journal, std::optional<std::int64_t> id)
{
    if (id) {
        Record record = TRY(journal.find(*id));
        if (is_open(record.state) || record.state == State::Confirmed) return record;
        return fail(Error::Kind::Rejected, fmt::format("transaction {} is {} already", *id, to_text(record.state)));
    }
    auto all = TRY(journal.all());
    const auto open = std::ranges::find_if(all, is_open, &Record::state);
    if (open != all.end()) return std::move(*open);
    const auto last = std::ranges::find(all.rbegin(), all.rend(), State::Confirmed, &Record::state);
    if (last != all.rend()) return std::move(*last);
    return fail(Error::Kind::Rejected, "there is nothing to roll back (see: netwright history)");
}

Receipt could_not(const Record& record, const Error& error)
{
    Receipt receipt;
    receipt.transaction = record.id;
    receipt.state = record.state;
    receipt.warnings.push_back(error.what);
    return receipt;
}

void watch_again(kernel::Kernel& kernel, Journal& journal, Record& record, Receipt& receipt)
{
    if (record.state != State::Applied || is_alive(record.watchdog)) return;
    auto started = in_namespace_of(record, kernel, [&](kernel::Kernel& there) -> Result<Receipt> {
        record.watchdog = TRY(start_watchdog(there, journal, record.id));
        TRY_VOID(journal.save(record));
        return Receipt{};
    });
    receipt.warnings.push_back(started ? fmt::format("transaction {}: its watchdog had died; a new one undoes it at {}",
                                                     record.id, record.deadline_at)
                                       : started.error().what);
}

void remove_stray_scripts(const Journal& journal)
{
    const auto all = journal.all();
    if (!all) return;
    for (const Record& record : *all)
        if (!is_open(record.state)) (void)remove_undo_script(journal.directory(), record.id);
}

} // namespace

Result<Receipt> confirm(kernel::Kernel& kernel, Journal& journal, std::optional<std::int64_t> id)
{
    const Lock lock = TRY(Lock::take(journal.directory(), lock_patience));
    Record record = TRY(find_waiting(journal, id));
    lock.announce(record.id);
    const std::string boot_id = TRY(boot_id_of(kernel));
    if (record.state == State::Undone)
        return fail(Error::Kind::Rejected,
                    fmt::format("transaction {} was rolled back at {}: apply it again", record.id, record.changed));
    if (record.state != State::Applied && record.state != State::Keeping)
        return fail(Error::Kind::Rejected,
                    fmt::format("transaction {} is {}: there is nothing to confirm", record.id, to_text(record.state)));
    if (record.boot_id != boot_id)
        return fail(
            Error::Kind::Rejected,
            fmt::format("transaction {} was applied before the last boot: run netwright recover, then apply it again",
                        record.id));
    return in_namespace_of(record, kernel, [&](kernel::Kernel& there) { return keep(there, journal, record); });
}

Result<Receipt> rollback(kernel::Kernel& kernel, Journal& journal, std::optional<std::int64_t> id, IfChanged changed)
{
    const Lock lock = TRY(Lock::take(journal.directory(), lock_patience));
    Record record = TRY(find_to_roll_back(journal, id));
    lock.announce(record.id);
    auto done =
        in_namespace_of(record, kernel, [&](kernel::Kernel& there) { return undo(there, journal, record, changed); });
    if (!done && done.error().kind == Error::Kind::Absent && !record.space.initial)
        return close_as_gone(journal, record, done.error().what);
    return done;
}

Result<std::vector<Receipt>> recover(kernel::Kernel& kernel, Journal& journal)
{
    const Lock lock = TRY(Lock::take(journal.directory(), lock_patience));
    std::vector<Receipt> receipts;
    for (Record& record : TRY(journal.open_ones())) {
        lock.announce(record.id);
        auto settled = settle(kernel, journal, record);
        receipts.push_back(settled ? std::move(*settled) : could_not(record, settled.error()));
        watch_again(kernel, journal, record, receipts.back());
    }
    remove_stray_scripts(journal);
    return receipts;
}

} // namespace netwright::apply
