// SPDX-License-Identifier: GPL-2.0-or-later
// What the journal knows of one transaction.
#pragma once

#include "apply/process.h"
#include "kernel/namespace.h"
#include "model/change.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::apply {

// Open until it is Confirmed, Undone or Failed.
enum class State {
    Prepared,  // every old value is on disk; nothing was written
    Applying,  // the watchdog lives; values are being written
    Applied,   // everything is written and verified; waits to be confirmed
    Keeping,   // the owner said yes; persistence is being written
    Confirmed, // made to last
    Undoing,   // being put back
    Undone,    // put back
    Failed     // given up: something could not be put back, and the note says what
};
std::string_view to_text(State state); // "prepared", …
Result<State> parse_state(std::string_view text);
bool is_open(State state);

enum class StepState { Waiting, Writing, Written, Restored, Left };
std::string_view to_text(StepState state);
Result<StepState> parse_step_state(std::string_view text);

struct Step {
    Tunable tunable;
    std::optional<Value> from{};  // what was there before; nothing: the place held nothing
    std::optional<Value> to{};    // what the plan wants; a follower has none
    std::optional<Value> shown{}; // what the kernel showed when all was written
    bool follower = false;        // not in the plan: the kernel changes it when a step is written
    bool lasts = true;            // the plan wants it after the next boot too
    StepState state = StepState::Waiting;
    bool operator==(const Step&) const = default;
};

struct Record {
    std::int64_t id = 0;
    State state = State::Prepared;
    std::string started, changed; // UTC; when it began and when its state last changed
    std::string boot_id;
    kernel::NetworkNamespace space;
    std::string host;        // machine id of the host it was applied on
    BootTime deadline{0};    // since boot; 0: it belongs to its owner and ends with it
    std::string deadline_at; // the same for people, UTC
    ProcessMark owner, watchdog;
    std::string etc_dir;     // where it is made to last; "": nowhere
    std::string plan_text;   // YAML, as reviewed
    std::string note;        // what could not be done
    std::vector<Step> steps; // in the order in which they are written, followers last
    bool operator==(const Record&) const = default;
};

} // namespace netwright::apply
