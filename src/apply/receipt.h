// SPDX-License-Identifier: GPL-2.0-or-later
// What was done to a host, step by step, for people and programs to read.
#pragma once

#include "apply/record.h"

#include <string>
#include <vector>

namespace netwright::apply {

enum class Outcome {
    Set,          // written, and the kernel shows it
    Restored,     // put back
    AlreadyBack,  // nothing to do: it already held the old value
    ChangedSince, // somebody else has changed it: left alone
    Gone,         // the key, interface or queue does not exist any more
    Failed        // could not be put back
};
std::string_view to_text(Outcome outcome); // "set", "restored", …

struct StepReport {
    Tunable tunable;
    Outcome outcome = Outcome::Set;
    std::optional<Value> from, to, now; // to: of a follower what the kernel made of it
    std::string note;                   // why, where the outcome is not what was asked for
};

struct Receipt {
    std::int64_t transaction = 0;
    State state = State::Prepared;
    std::vector<StepReport> steps{};
    std::vector<std::string> warnings{}; // what the owner should know although it worked
    std::string deadline_at{};           // UTC; "" unless it waits to be confirmed
    std::string network_namespace{};     // "" on the host
};

} // namespace netwright::apply
