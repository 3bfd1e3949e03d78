// SPDX-License-Identifier: GPL-2.0-or-later
// A step that knows its way back.
#pragma once

#include "model/tunable.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace netwright {

enum class Risk { None, Low, Medium, High };
// Whom a change reaches: this namespace or the whole host; what exists already or only what comes after.
enum class Reach { Namespace, NamespaceNew, Host, HostNew, Device };

std::string_view to_text(Risk risk); // "none", "low", "medium", "high"
Result<Risk> parse_risk(std::string_view text);
std::string_view to_text(Reach reach); // "namespace", "namespace, new sockets", "host", "host, new sockets", "device"
Result<Reach> parse_reach(std::string_view text);
std::string_view to_text(Persistence persistence); // "sysctl.d", "systemd.link", "boot unit", "drop-in", "none"
Result<Persistence> parse_persistence(std::string_view text);

struct Change {
    Tunable tunable;
    std::optional<Value> from;        // nothing: it does not exist yet
    std::optional<Value> to;          // nothing: it is to be removed
    std::vector<std::string> because; // rule ids
    std::string why;                  // one sentence with the formula and its inputs; one that makes a capacity
                                      // smaller says "lower" here or in side_effects, or a plan leaves it out
    Risk risk = Risk::Low;
    Reach reach = Reach::Namespace;
    bool interrupts = false; // traffic stops for a moment
    Persistence persistence = Persistence::None;
    bool operator==(const Change&) const = default;
};

inline Change inverse(Change change)
{
    std::swap(change.from, change.to);
    return change;
}

} // namespace netwright
