// SPDX-License-Identifier: GPL-2.0-or-later
// The objections, one function each, in the order in which they are raised.
#include "plan/sift.h"

#include "catalog/catalog.h"
#include "plan/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace netwright::plan {
namespace {

using Objection = std::optional<std::string>;

Objection is_protected(const Proposal& proposal, const Intent& intent)
{
    for (const std::string& glob : intent.protect)
        if (matches(proposal.change.tunable, glob)) return fmt::format("protected by --protect {}", glob);
    return std::nullopt;
}

Objection is_too_risky(const Proposal& proposal, const Intent& intent)
{
    const Risk risk = proposal.change.risk;
    if (risk <= intent.welcome) return std::nullopt;
    return fmt::format("risk {} is above --risk {}", to_text(risk), to_text(intent.welcome));
}

// Nothing on this host shows a need; so somebody has to have said what the host is for, and little may be at stake.
Objection is_idle_convention(const Proposal& proposal, const Intent& intent)
{
    if (proposal.finding.confidence != Confidence::Convention) return std::nullopt;
    const bool asked = intent.workload.given && !serves(intent, Workload::General);
    if (asked && proposal.change.risk <= Risk::Low) return std::nullopt;
    return asked ? "convention: nothing on this host shows a need, and its risk is above low"
                 : "convention: nothing on this host shows a need (--workload would ask for it)";
}

// Units of what a host can hold, as the catalogue names them; less of it is a loss unless there is a reason.
bool is_capacity(const Tunable& tunable)
{
    const auto* key = std::get_if<SysctlKey>(&tunable);
    const catalog::Parameter* known = key ? catalog::find(key->name) : nullptr;
    if (known == nullptr) return false;
    constexpr std::array<std::string_view, 12> units{"bytes",       "pages",       "packets", "entries",
                                                     "connections", "descriptors", "sockets", "buckets",
                                                     "files",       "open files",  "KiB",     "hash entries"};
    return std::ranges::find(units, known->unit) != units.end();
}

bool says_lower(std::string_view text)
{
    constexpr std::string_view word = "lower";
    const auto equal = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    return std::ranges::search(text, word, equal).begin() != text.end();
}

// A value is never lowered silently: kernel defaults have grown, and old recipes now shrink them.
Objection lowers_silently(const Proposal& proposal, const Intent&)
{
    const auto& [finding, change] = proposal;
    if (!lowers(change.from, change.to) || !is_capacity(change.tunable)) return std::nullopt;
    if (says_lower(change.why) || says_lower(finding.side_effects)) return std::nullopt;
    return fmt::format("would lower {} to {}, and nothing says why less is better", to_text(*change.from),
                       to_text(*change.to));
}

Objection makes_no_sense(const Proposal& proposal, const Intent&)
{
    if (!proposal.change.to) return std::nullopt;
    const auto sensible = catalog::check(proposal.change.tunable, *proposal.change.to);
    return sensible ? Objection{} : Objection{sensible.error().what};
}

constexpr std::array objections{is_protected, is_too_risky, is_idle_convention, lowers_silently, makes_no_sense};

} // namespace

Objection objection(const Proposal& proposal, const Intent& intent)
{
    for (const auto raise_objection : objections)
        if (Objection words = raise_objection(proposal, intent)) return words;
    return std::nullopt;
}

} // namespace netwright::plan
