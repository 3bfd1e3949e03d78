// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of the installed load balancer, as text.
#include "base/text.h"
#include "dataplane/lb_control.h"

#include <fmt/format.h>

namespace netwright::dataplane {
namespace {

Result<void> read_numbered(InstalledLb& installed, std::string_view word, std::string_view rest)
{
    std::string_view number_word;
    next_word(rest, number_word);
    const auto number = TRY(parse_unsigned(number_word));
    const std::string name(trim(rest));
    if (word == "backend")
        installed.numbers.emplace(TRY(parse_prefix(name)), static_cast<std::uint16_t>(number));
    else if (word == "vip")
        installed.counters.emplace(name, static_cast<std::uint16_t>(number));
    else
        installed.pools.emplace(name, static_cast<std::uint32_t>(number));
    return {};
}

Result<void> read_line(InstalledLb& installed, std::string_view line)
{
    std::string_view word, rest = line;
    next_word(rest, word);
    if (word == "config")
        installed.config = trim(rest);
    else if (word == "xdp")
        installed.generic = trim(rest) == "generic";
    else if (word == "modes")
        installed.modes = static_cast<std::uint32_t>(TRY(parse_unsigned(trim(rest))));
    else if (word == "generation")
        installed.generation = TRY(parse_unsigned(trim(rest)));
    else if (word == "interface")
        installed.interfaces.emplace_back(trim(rest));
    else if (word == "backend" || word == "vip" || word == "pool")
        TRY_VOID(read_numbered(installed, word, rest));
    else
        return fail(Error::Kind::Malformed, fmt::format("the installed balancer's state has a line '{}'", line));
    return {};
}

} // namespace

std::string to_text(const InstalledLb& installed)
{
    std::string text = fmt::format("config {}\nxdp {}\nmodes {}\ngeneration {}\n", installed.config,
                                   installed.generic ? "generic" : "native", installed.modes, installed.generation);
    for (const std::string& interface : installed.interfaces)
        text += fmt::format("interface {}\n", interface);
    for (const auto& [address, number] : installed.numbers)
        text += fmt::format("backend {} {}\n", number, to_text(address));
    for (const auto& [name, counter] : installed.counters)
        text += fmt::format("vip {} {}\n", counter, name);
    for (const auto& [name, row] : installed.pools)
        text += fmt::format("pool {} {}\n", row, name);
    return text;
}

Result<InstalledLb> parse_installed_lb(std::string_view text)
{
    InstalledLb installed;
    std::string_view line;
    while (next_line(text, line))
        TRY_VOID(read_line(installed, line));
    return installed;
}

} // namespace netwright::dataplane
