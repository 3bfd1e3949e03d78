// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of the installed steering, as text.
#include "base/text.h"
#include "dataplane/steer_control.h"

#include <fmt/format.h>

namespace netwright::dataplane {
namespace {

Result<std::uint64_t> numbered(std::string_view& rest)
{
    std::string_view number;
    next_word(rest, number);
    rest = trim(rest);
    return parse_unsigned(number);
}

Result<void> read_line(std::string_view line, InstalledSteer& installed)
{
    std::string_view word, rest = line;
    next_word(rest, word);
    rest = trim(rest);
    if (word == "policy")
        installed.policy = rest;
    else if (word == "hook")
        installed.clsact = rest == "clsact";
    else if (word == "side")
        (rest == "ingress" ? installed.ingress : installed.egress) = true;
    else if (word == "limits")
        installed.limits = true;
    else if (word == "interface")
        installed.interfaces.emplace_back(rest);
    else if (word == "paced")
        installed.paced.emplace_back(rest);
    else if (word == "qdisc")
        installed.qdiscs.emplace_back(rest);
    else if (word == "counter") {
        const auto number = TRY(numbered(rest));
        installed.counters.emplace(rest, static_cast<std::uint32_t>(number % STEER_COUNTERS));
    } else if (word == "cgroup") {
        const auto number = TRY(numbered(rest));
        installed.cgroups.emplace(rest, number);
    } else {
        return fail(Error::Kind::Malformed, fmt::format("the installed steering's state has a line '{}'", line));
    }
    return {};
}

} // namespace

std::string to_text(const InstalledSteer& installed)
{
    std::string text = fmt::format("policy {}\nhook {}\n", installed.policy, installed.clsact ? "clsact" : "tcx");
    if (installed.ingress) text += "side ingress\n";
    if (installed.egress) text += "side egress\n";
    if (installed.limits) text += "limits\n";
    for (const std::string& interface : installed.interfaces)
        text += fmt::format("interface {}\n", interface);
    for (const std::string& interface : installed.paced)
        text += fmt::format("paced {}\n", interface);
    for (const std::string& interface : installed.qdiscs)
        text += fmt::format("qdisc {}\n", interface);
    for (const auto& [path, id] : installed.cgroups)
        text += fmt::format("cgroup {} {}\n", id, path);
    for (const auto& [name, counter] : installed.counters)
        text += fmt::format("counter {} {}\n", counter, name);
    return text;
}

Result<InstalledSteer> parse_installed_steer(std::string_view text)
{
    InstalledSteer installed;
    for (std::string_view line; next_line(text, line);)
        TRY_VOID(read_line(line, installed));
    return installed;
}

} // namespace netwright::dataplane
