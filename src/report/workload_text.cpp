// SPDX-License-Identifier: GPL-2.0-or-later
// The guide to workloads, for people.
#include "report/workload_text.h"

#include <fmt/format.h>

namespace netwright::report {
namespace {

void add_list(std::string& text, std::string_view label, const std::vector<std::string>& lines, const Style& style)
{
    for (std::size_t i = 0; i < lines.size(); ++i)
        text += hanging(fmt::format("  {:<8}", i ? "" : label), "- " + lines[i], 10, style);
}

std::string setting(const GuideLine& line)
{
    const std::string text = line.what.empty() ? line.how : fmt::format("{}: {}", line.what, line.how);
    return fmt::format("{} [{}]", text, line.rule);
}

std::string guide_text(const WorkloadGuide& guide, const Style& style)
{
    std::string text = paint(guide.name, Tone::Bold, style) + '\n' + hanging("  ", guide.sentence, 2, style);
    std::vector<std::string> settings;
    for (const GuideLine& line : guide.settings)
        settings.push_back(setting(line));
    add_list(text, "sets", settings, style);
    add_list(text, "you", guide.advice, style);
    add_list(text, "leave", guide.leave_alone, style);
    return text;
}

} // namespace

std::string workloads_text(std::span<const WorkloadGuide> guides, const Style& style)
{
    std::string text;
    for (const WorkloadGuide& guide : guides)
        text += guide_text(guide, style) + '\n';
    return text +
           hanging(
               "",
               "Inputs: --bandwidth, --rtt, --loss, --connections, --connection-rate, --datagram-rate, --stall. What "
               "is not given is inferred from the host, and the plan shows it. Two workloads on one host: "
               "--workload web-server,database; where they want opposite things, the findings say so. A rule in "
               "brackets is explained by `netwright rules RULE`.",
               0, style);
}

} // namespace netwright::report
