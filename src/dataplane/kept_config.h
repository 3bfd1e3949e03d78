// SPDX-License-Identifier: GPL-2.0-or-later
// A policy or configuration as it was applied, with everything it was made from, in one text: whoever puts it back,
// after a crash or at boot, needs no file of its owner's.
#pragma once

#include "dataplane/filter_policy.h"
#include "dataplane/steer_policy.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace netwright::dataplane {

struct KeptConfig {
    std::string name; // the file as its owner named it
    std::string text;
    std::map<std::string, std::string> files{}; // what it refers to, by the path that it writes
    std::optional<Prefix> administrator{};      // whom the lock-out guard passes
    std::int64_t applied = 0;                   // when, in seconds of Unix time; 0: nobody noted
    std::optional<Prefix> reached{}; // the address of ours that he is connected to; steering's guard needs it
    bool operator==(const KeptConfig&) const = default;
};
std::string to_text(const KeptConfig& kept);
Result<KeptConfig> parse_kept(std::string_view text); // Malformed: this is none
bool is_kept(std::string_view text);

// The filter's policy, with the administrator's list. Rejected: it has a list of that name already.
Result<FilterPolicy> filter_policy_of(const KeptConfig& kept);

// Steering's policy; where it redirects or limits, with a class ahead of all others that the administrator's connection
// belongs to, and which does nothing. Rejected: it leaves no room for that.
Result<SteerPolicy> steer_policy_of(const KeptConfig& kept);

} // namespace netwright::dataplane
