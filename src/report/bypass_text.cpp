// SPDX-License-Identifier: GPL-2.0-or-later
// The report on kernel bypass in text.
#include "report/bypass_text.h"

#include <fmt/format.h>

namespace netwright::report {
namespace {

struct Look {
    std::string_view mark;
    Tone tone;
};

Look look_of(BypassCheck::State state)
{
    switch (state) {
    case BypassCheck::State::Ready:
        return {"✓", Tone::Green};
    case BypassCheck::State::Missing:
        return {"✗", Tone::Red};
    case BypassCheck::State::Partly:
        return {"!", Tone::Yellow};
    case BypassCheck::State::Unknown:
        return {"?", Tone::Dim};
    }
    return {"?", Tone::Dim};
}

constexpr std::size_t label = 26; // "  ✓ DPDK poll-mode driver "

std::string check_text(const BypassCheck& check, const Style& style)
{
    const Look look = look_of(check.state);
    return hanging(fmt::format("  {} {}", look.mark, check.what), printable(check.seen), label, style, look.tone) +
           hanging("", printable(check.remedy), label, style, Tone::Dim, Tone::Dim);
}

std::string nic_text(const BypassReport::PerNic& nic, const Style& style)
{
    std::string text = fmt::format("\n{} {}\n", paint(printable(nic.name), Tone::Bold, style),
                                   paint(fmt::format("({})", printable(nic.driver)), Tone::Dim, style));
    for (const BypassCheck& check : nic.checks)
        text += check_text(check, style);
    for (std::size_t i = 0; i < nic.lost.size(); ++i)
        text += hanging(i == 0 ? "    DPDK takes away" : "", "- " + printable(nic.lost[i]), label, style);
    return text;
}

} // namespace

std::string bypass_text(const BypassReport& report, const Style& style)
{
    std::string text = fmt::format("{}\n", paint("This host", Tone::Bold, style));
    for (const BypassCheck& check : report.host)
        text += check_text(check, style);
    for (const BypassReport::PerNic& nic : report.nics)
        text += nic_text(nic, style);
    if (report.nics.empty()) text += "\nNo interface here has a device behind it that could be taken over.\n";
    return text;
}

} // namespace netwright::report
