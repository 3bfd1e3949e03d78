// SPDX-License-Identifier: GPL-2.0-or-later
// What became of changes that were kept: which hold, which drifted, and who else sets them at boot. Pure: the caller
// reads.
#pragma once

#include "model/change.h"
#include "model/plan.h"
#include "model/snapshot.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace netwright::plan {

// The present value of a tunable; nothing if the place is there but holds nothing.
using ReadNow = std::function<Result<std::optional<Value>>(const Tunable&)>;
ReadNow reads_from(const Snapshot& host); // borrows the snapshot

// A line of a sysctl.d file that sets the tunable at boot.
struct BootSetting {
    std::string path;
    std::uint32_t line = 0;
    std::string value;
    bool wins = false; // the last word at boot: systemd-sysctl lets exact keys win over globs, later files over earlier
    bool agrees = false; // it sets what the plan sets
    bool operator==(const BootSetting&) const = default;
};

struct Standing {
    enum class State {
        Holds,
        Drifted, // something else is there now
        Gone,    // the place itself is gone: a link, a queue, a module's key
        Unseen   // could not be read
    };
    Change change;
    State state = State::Holds;
    std::optional<Value> now;
    std::string why; // Gone, Unseen: the reason
    std::vector<BootSetting> at_boot;
    bool overridden_at_boot() const; // the last word at boot is another value
    bool operator==(const Standing&) const = default;
};
std::string_view to_text(Standing::State state); // "holds", "drifted", "gone", "unseen"

// In the order of `changes`. `files` in order of precedence; those that could not be read are passed over: the snapshot
// lists them as gaps.
std::vector<Standing> drift(const std::vector<Change>& changes, const ReadNow& now,
                            const std::vector<SysctlFile>& files);

} // namespace netwright::plan
