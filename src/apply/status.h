// SPDX-License-Identifier: GPL-2.0-or-later
// What status, history and drift print: values only.
#pragma once

#include "apply/journal.h"
#include "apply/receipt.h"
#include "kernel/kernel.h"

#include <optional>

namespace netwright::apply {

struct OpenTransaction {
    Record record;
    bool watchdog_alive = false;
    bool owner_alive = false;
    bool expired = false;              // its time is over, or the host has booted since
    std::chrono::seconds remaining{0}; // until it is undone, where it waits
    std::string advice;                // what to do now, one line
};

struct Summary { // one transaction of the history
    std::int64_t id = 0;
    State state = State::Prepared;
    std::string started, changed; // UTC
    std::size_t changes = 0;
    std::string network_namespace; // "" on the host
    std::string note;
};

struct Status {
    std::vector<OpenTransaction> open;
    std::optional<Summary> last; // the newest closed one
    std::size_t confirmed = 0;   // transactions in force
};

// `state_dir` without a journal: nothing was ever applied, an empty answer. They write nothing and take no lock.
Result<Status> status(const kernel::Kernel& kernel, const std::filesystem::path& state_dir);
Result<std::vector<Summary>> history(const std::filesystem::path& state_dir); // newest first

struct InForce {
    Tunable tunable;
    std::optional<Value> value;
    std::int64_t transaction = 0; // the last confirmed one that set it
    std::string place;            // where it lasts; "": it does not
};
// The values of confirmed transactions, by address.
Result<std::vector<InForce>> in_force(const std::filesystem::path& state_dir);

struct Drift {
    std::int64_t transaction = 0; // the last confirmed one that set it
    Tunable tunable;
    std::optional<Value> confirmed; // what the kernel showed when it was confirmed
    Result<std::optional<Value>> now;
};
// Values of confirmed transactions in this network namespace that are not any more what was confirmed, by address.
Result<std::vector<Drift>> drift(kernel::Kernel& kernel, const std::filesystem::path& state_dir);

} // namespace netwright::apply
