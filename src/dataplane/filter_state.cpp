// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of the installed filter, as text.
#include "base/text.h"
#include "dataplane/filter_control.h"

#include <fmt/format.h>

namespace netwright::dataplane {

std::string to_text(const InstalledFilter& installed)
{
    std::string text = fmt::format("policy {}\nmode {}\ndry_run {:d}\nlive {:d}\nsamples {:d}\n", installed.policy,
                                   installed.mode == FilterPolicy::Mode::Native ? "native" : "generic",
                                   installed.dry_run, installed.live, installed.samples);
    for (const std::string& interface : installed.interfaces)
        text += fmt::format("interface {}\n", interface);
    for (const auto& [name, counter] : installed.counters)
        text += fmt::format("counter {} {}\n", counter, name);
    for (const std::string& feed : installed.feeds)
        text += fmt::format("feed {}\n", feed);
    return text;
}

Result<InstalledFilter> parse_installed(std::string_view text)
{
    InstalledFilter installed;
    std::string_view line;
    while (next_line(text, line)) {
        std::string_view word, rest = line;
        next_word(rest, word);
        rest = trim(rest);
        if (word == "policy") {
            installed.policy = rest;
        } else if (word == "mode") {
            installed.mode = rest == "native" ? FilterPolicy::Mode::Native : FilterPolicy::Mode::Generic;
        } else if (word == "dry_run") {
            installed.dry_run = rest == "1";
        } else if (word == "live") {
            installed.live = rest == "1";
        } else if (word == "samples") {
            installed.samples = rest == "1";
        } else if (word == "interface") {
            installed.interfaces.emplace_back(rest);
        } else if (word == "feed") {
            installed.feeds.emplace_back(rest);
        } else if (word == "counter") {
            std::string_view number;
            next_word(rest, number);
            installed.counters.emplace(trim(rest), static_cast<std::uint16_t>(TRY(parse_unsigned(number))));
        } else {
            return fail(Error::Kind::Malformed, fmt::format("the installed filter's state has a line '{}'", line));
        }
    }
    return installed;
}

} // namespace netwright::dataplane
