// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb decap: on a backend, takes the balancer's outer header off.
#include "cli/lb_decap.h"

#include "cli/command.h"
#include "cli/pins.h"
#include "dataplane/decap.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct DecapFlags {
    std::vector<std::string> interfaces, from;
    bool generic = false, off = false;
    std::uint16_t gue_port = 6080;
};

std::string words_of(const std::vector<dp::Prefix>& prefixes)
{
    std::vector<std::string> words;
    for (const dp::Prefix& prefix : prefixes)
        words.push_back(to_text(prefix));
    return fmt::format("{}", fmt::join(words, ", "));
}

Result<dp::Decap> wanted(const DecapFlags& flags)
{
    dp::Decap decap{flags.interfaces, {}, flags.generic, flags.gue_port};
    for (const std::string& word : flags.from)
        decap.sources.push_back(TRY(typed("--from", dp::parse_prefix(word))));
    if (decap.sources.empty())
        return fail(Error::Kind::Rejected,
                    "say with --from what the balancers send from (their 'source'): packets of others are left alone");
    return decap;
}

Result<void> show(const std::filesystem::path& directory)
{
    const auto found = TRY(dp::installed_decap(directory));
    if (!found) return print("nothing is decapsulated here\n");
    const auto& [decap, counts] = *found;
    return print(fmt::format(
        "interfaces    {}\nfrom          {}\nxdp           {}\nGUE port      {}\ndecapsulated  {} packets, {} bytes\n"
        "left alone    {} packets from other addresses\n"
        "dropped       {} packets marked congested that cannot carry the mark\n",
        fmt::join(decap.interfaces, ", "), words_of(decap.sources), decap.generic ? "generic" : "native",
        decap.gue_port, counts[DECAP_DONE].packets, counts[DECAP_DONE].bytes, counts[DECAP_FOREIGN].packets,
        counts[DECAP_CONGESTED].packets));
}

Result<void> decapsulate(const DecapFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "decap"));
    if (flags.off) {
        const bool there = std::filesystem::exists(directory);
        if (there) TRY_VOID(dp::remove_decap(directory));
        return print(there ? "removed\n" : "nothing is decapsulated here\n");
    }
    if (flags.interfaces.empty()) return show(directory);
    const dp::Decap decap = TRY(wanted(flags));
    TRY_VOID(dp::install_decap(directory, decap));
    return print(fmt::format("decapsulating on {} what comes from {}\n", fmt::join(decap.interfaces, ", "),
                             words_of(decap.sources)));
}

} // namespace

std::function<Result<void>()> declare_decap(CLI::App& app, const Globals& globals)
{
    const auto flags = std::make_shared<DecapFlags>();
    CLI::Option* const interfaces =
        app.add_option("interface", flags->interfaces, "where the balancer's packets come in; none: tell what runs");
    app.add_option("--from", flags->from, "addresses or prefixes that the balancers send from")->delimiter(',');
    app.add_option("--gue-port", flags->gue_port, "UDP port of mode gue, the balancers' 'gue_port'")
        ->check(CLI::Range(1, 65535))
        ->capture_default_str();
    app.add_flag("--generic", flags->generic, "generic XDP, for drivers without native XDP");
    app.add_flag("--off", flags->off, "stop, and forget the counters")->excludes(interfaces);
    return [flags, &globals] { return decapsulate(*flags, globals); };
}

} // namespace netwright::cli
