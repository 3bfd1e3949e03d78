// SPDX-License-Identifier: GPL-2.0-or-later
// A plan while it is being applied. Until keep() or leave(), every way out leads back: error, lost session, crash.
//
// The order is what makes it safe:
//   begin   lock; same host, same old values, sensible new ones; every old value on the disk (state prepared)
//   apply   the way back as a shell script on the disk; a watchdog that outlives us, alive and known; then write, read
//           back, compare; compare all again at the end, for writes that moved other values; the owner's own check
//   keep    the yes on the disk; sysctl.d; closed.   Or undo: newest first; closed.
// After a crash at any point the journal says what to do (operations.h, settle()).
#pragma once

#include "apply/journal.h"
#include "apply/lock.h"
#include "apply/operations.h"
#include "kernel/kernel.h"
#include "model/plan.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace netwright::apply {

enum class Guard { Watchdog, None }; // None: whoever applies looks after it himself

struct ApplyOptions {
    // Where confirmed sysctls are made to last. Nothing: /etc for the host's own namespace, nowhere for others.
    std::optional<std::filesystem::path> etc_dir{};
    // Set: after apply() the transaction waits so long for keep() or `netwright confirm`, then the watchdog undoes it.
    // Not set: it belongs to this process, and ends with it.
    std::optional<std::chrono::seconds> confirm_within{};
    // Asked after the last write, before check_command: do the values do what they are for? Empty: not asked.
    std::function<Result<void>(kernel::Kernel&)> verify{};
    std::string check_command{}; // must succeed after the last write; "": none
    std::chrono::milliseconds check_timeout{60'000};
    Guard guard = Guard::Watchdog;
    std::string plan_text{}; // the YAML that was reviewed, for the journal
};

constexpr std::filesystem::path::value_type default_state_dir[] = "/var/lib/netwright";

class [[nodiscard]] Transaction {
public:
    // Refuses, and has written nothing, when another transaction is open or being worked on (Busy), the host or any old
    // value is not what the plan was made for (Mismatch, naming it), a new value makes no sense (Rejected), or the
    // journal cannot be written.
    static Result<Transaction> begin(kernel::Kernel& kernel, Journal& journal, const Plan& plan,
                                     const ApplyOptions& options);
    // All of begin()'s questions, without lock, journal or any write: what would be done.
    static Result<Receipt> rehearse(kernel::Kernel& kernel, const Plan& plan);

    // After a failure everything is undone again and the error says why. With confirm_within the lock is free
    // afterwards, so that the watchdog and `confirm` can work; print only then.
    Result<Receipt> apply();
    Result<Receipt> keep();
    Result<Receipt> undo();
    // Leaves an applied transaction that has a deadline to the watchdog and `netwright confirm`.
    void leave()
    {
        owned_ = false;
        lock_.reset();
    }

    const Record& record() const { return record_; }

    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction(); // neither kept, undone nor left: undo

private:
    Transaction(kernel::Kernel& kernel, Journal& journal, ApplyOptions options, Lock lock, Record record);
    Result<void> start_guard();
    Result<void> write_all();
    Result<void> verify_all();
    Result<void> wait_for_owner();
    Result<void> lock_again();
    Error undone_because(Error reason);

    kernel::Kernel* kernel_;
    Journal* journal_;
    ApplyOptions options_;
    std::optional<Lock> lock_;
    Record record_;
    bool owned_ = true;
};

} // namespace netwright::apply
