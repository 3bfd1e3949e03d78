// SPDX-License-Identifier: GPL-2.0-or-later
// Receipts in text.
#include "report/changes_text.h"

#include <fmt/format.h>

namespace netwright::report {
namespace {

struct Look {
    std::string_view mark;
    Tone tone;
};

Look look_of(ChangeLine::Mood mood)
{
    switch (mood) {
    case ChangeLine::Mood::Good:
        return {"  ✓", Tone::Green};
    case ChangeLine::Mood::Warning:
        return {"  !", Tone::Yellow};
    case ChangeLine::Mood::Bad:
        return {"  ✗", Tone::Red};
    }
    return {"  ?", Tone::Plain};
}

} // namespace

std::string change_words(const Change& change)
{
    return fmt::format("{}: {} → {}", to_text(change.tunable), change.from ? to_text(*change.from) : "absent",
                       change.to ? to_text(*change.to) : "removed");
}

std::string changes_text(std::span<const ChangeLine> changes, const Style& style)
{
    std::string text;
    for (const ChangeLine& change : changes) {
        const Look look = look_of(change.mood);
        text += hanging(look.mark,
                        fmt::format("{}: {} → {}", change.tunable, change.from.empty() ? "absent" : change.from,
                                    change.to.empty() ? "absent" : change.to),
                        4, style, look.tone);
        // "done" goes without saying beside its mark; whatever went another way is told in full.
        if (change.mood != ChangeLine::Mood::Good)
            text += hanging("", change.outcome, 6, style, Tone::Plain, look.tone);
    }
    return text;
}

} // namespace netwright::report
