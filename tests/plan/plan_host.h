// SPDX-License-Identifier: GPL-2.0-or-later
// A host and findings for the tests of this room, a line each.
#pragma once

#include "model/finding.h"
#include "model/snapshot.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plan_host {

using namespace netwright;

// A snapshot that shows these sysctls.
inline Snapshot host(const std::vector<std::pair<std::string, std::string>>& sysctls)
{
    Snapshot snapshot;
    std::vector<SysctlValue> values;
    for (const auto& [key, text] : sysctls)
        values.push_back({key, text});
    snapshot.sysctls = SysctlTable(std::move(values));
    return snapshot;
}

inline Change change(std::string_view tunable, std::string_view from, std::string_view to, Risk risk = Risk::Low)
{
    Change one;
    one.tunable = *parse_tunable(tunable);
    one.from = *parse_value(one.tunable, from);
    one.to = *parse_value(one.tunable, to);
    one.why = "test";
    one.risk = risk;
    one.persistence = Persistence::SysctlFile;
    return one;
}

inline Finding finding(std::string rule, std::vector<Change> remedy, Confidence confidence = Confidence::Measured)
{
    Finding one;
    one.rule = std::move(rule);
    one.confidence = confidence;
    one.title = "test";
    one.evidence = {{"test", "1"}};
    one.remedy = std::move(remedy);
    for (Change& change : one.remedy)
        change.because = {one.rule};
    return one;
}

inline void apply_to_card(Nic& nic, const std::string& address, const std::string& value)
{
    if (nic.coalescing && address == "nic/" + nic.name + "/coalesce/adaptive-rx")
        nic.coalescing->adaptive_rx = value == "on";
    if (!nic.rss || !nic.rss->fields) return;
    for (HashFields& hash : *nic.rss->fields)
        if (address == "nic/" + nic.name + "/rss/fields-" + hash.flow) hash.fields = value;
}

// What the golden plans set on a card without a sysctl: whether its interrupts wait as long as they like, what is
// hashed.
inline void apply_to_cards(Snapshot& snapshot, const Change& change)
{
    if (!snapshot.nics) return;
    for (Nic& nic : *snapshot.nics)
        apply_to_card(nic, to_text(change.tunable), to_text(*change.to));
}

// The host after somebody has applied these changes to its sysctls and cards.
inline Snapshot applied(Snapshot snapshot, const std::vector<Change>& changes)
{
    std::vector<SysctlValue> values = snapshot.sysctls.all();
    for (const Change& change : changes)
        apply_to_cards(snapshot, change);
    for (const Change& change : changes)
        for (SysctlValue& value : values)
            if (const auto* key = std::get_if<SysctlKey>(&change.tunable); key && key->name == value.key)
                value.value = to_text(*change.to);
    snapshot.sysctls = SysctlTable(std::move(values));
    return snapshot;
}

} // namespace plan_host
