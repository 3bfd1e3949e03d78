// SPDX-License-Identifier: GPL-2.0-or-later
// netwright socket: programs for single sockets and connections.
#include "base/text.h"
#include "cli/command.h"
#include "cli/pins.h"
#include "dataplane/socket_classic.h"
#include "dataplane/socket_entry.h"
#include "dataplane/socket_tune.h"
#include "model/words.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>

#include <array>
#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct SocketFlags {
    std::string name, cgroup = "/", protocol = "tcp", by = "cpu", expression;
    std::vector<std::string> to, ports, options;
    std::uint32_t pid = 0;
    std::uint16_t port = 0;
    unsigned members = 0, at = 0;
    bool packets = false, json = false;
};

using Root = std::filesystem::path;
constexpr std::array<std::string_view, 2> protocol_words{"tcp", "udp"}, by_words{"cpu", "connection-id"};

Result<dp::SocketMatch> match_of(const SocketFlags& flags)
{
    dp::SocketMatch match;
    for (const std::string& word : flags.to)
        match.prefixes.push_back(TRY(typed("--to", dp::parse_prefix(word))));
    for (const std::string& word : flags.ports)
        match.ports.push_back(TRY(typed("--ports", dp::parse_range(word, 65535))));
    return match;
}

Result<std::uint8_t> protocol_of(const SocketFlags& flags)
{
    const std::size_t place = TRY(typed("--protocol", find_word("protocol", protocol_words, flags.protocol)));
    return static_cast<std::uint8_t>(place == 0 ? IPPROTO_TCP : IPPROTO_UDP);
}

Result<dp::ServiceSocket> service_of(const SocketFlags& flags)
{
    return dp::ServiceSocket{flags.pid, TRY(protocol_of(flags)), flags.port};
}

Result<void> tune(const SocketFlags& flags, const Root& root)
{
    dp::SocketTuning tuning;
    tuning.match = TRY(match_of(flags));
    tuning.cgroup = std::string(trim(flags.cgroup));
    for (const std::string& word : flags.options)
        tuning.options.push_back(TRY(typed("OPTION=VALUE", dp::parse_socket_option(word))));
    tuning.words = fmt::format("{}", fmt::join(flags.options, " "));
    TRY_VOID(dp::tune_sockets(root, flags.name, tuning));
    return print(fmt::format("{}: {} for new connections to {} (cgroup {})\n", flags.name, tuning.words,
                             to_text(tuning.match), tuning.cgroup));
}

Result<void> serve(const SocketFlags& flags, const Root& root)
{
    const auto service = TRY(service_of(flags));
    const auto also = TRY(match_of(flags));
    TRY_VOID(dp::serve_also(root, flags.name, service, also));
    std::string text = fmt::format("{}: process {} also serves {}\n", flags.name, flags.pid, to_text(also));
    for (const dp::Prefix& prefix : also.prefixes)
        text += fmt::format("packets to {0} must be this host's: ip route add local {0} dev lo\n", to_text(prefix));
    return print(text);
}

Result<void> spread(const SocketFlags& flags, const Root& root)
{
    dp::SocketSpread spread;
    const auto by = TRY(typed("--by", find_word("'by'", by_words, flags.by)));
    spread.by = by == 0 ? dp::SocketSpread::By::Cpu : dp::SocketSpread::By::ConnectionId;
    spread.members = flags.members;
    spread.at = flags.at;
    const auto service = TRY(service_of(flags));
    const unsigned members = TRY(dp::spread_sockets(root, flags.name, service, spread));
    return print(fmt::format("{}: port {} spread over {} by {}\n", flags.name, flags.port,
                             report::counted(members, "socket"), flags.by));
}

Result<void> filter(const SocketFlags& flags, const Root& root)
{
    if (flags.packets == (flags.port != 0))
        return fail(Error::Kind::Rejected, "name the sockets: --port PORT, or --packets for packet sockets");
    dp::FilteredSocket wanted{flags.pid, 0, flags.port};
    if (!flags.packets) wanted.protocol = TRY(protocol_of(flags));
    const unsigned sockets = TRY(dp::filter_sockets(root, flags.name, wanted, flags.expression));
    return print(
        fmt::format("{}: {} of process {} filtered\n", flags.name, report::counted(sockets, "socket"), flags.pid));
}

std::string state_of(const Root& root, const dp::SocketEntry& entry)
{
    std::string trouble = dp::socket_trouble(root, entry);
    if (!trouble.empty()) return trouble;
    if (entry.work != dp::SocketWork::Tune) return "works";
    const auto tally = dp::tuned_sockets(root, entry.name);
    if (!tally) return tally.error().what;
    std::string text = report::counted(tally->tuned, "connection");
    if (tally->refused) text += "; the kernel refused " + report::counted(tally->refused, "option");
    return text;
}

Result<void> list(const SocketFlags& flags, const Root& root)
{
    const auto entries = TRY(dp::socket_entries(root));
    if (flags.json) {
        nlohmann::json json = nlohmann::json::array();
        for (const dp::SocketEntry& entry : entries)
            json.push_back({{"name", entry.name},
                            {"work", to_text(entry.work)},
                            {"what", entry.what},
                            {"pid", entry.pid},
                            {"trouble", dp::socket_trouble(root, entry)}});
        return print(json.dump(2) + "\n");
    }
    if (entries.empty()) return print("no sockets are worked on here\n");
    std::string text;
    for (const dp::SocketEntry& entry : entries)
        text += report::printable(fmt::format("{}  {}: {} ({})", entry.name, to_text(entry.work), entry.what,
                                              state_of(root, entry))) +
                "\n";
    return print(text);
}

Result<void> off(const SocketFlags& flags, const Root& root)
{
    TRY_VOID(dp::remove_socket_entry(root, flags.name));
    return print(flags.name + " removed\n");
}

using Step = Result<void> (*)(const SocketFlags&, const Root&);

Result<void> take(Step step, const SocketFlags& flags, const Globals& globals)
{
    const auto root = TRY(enter_pins(globals, "socket"));
    return step(flags, root);
}

void add_service(CLI::App& sub, SocketFlags& flags)
{
    sub.add_option("--pid", flags.pid, "the process that holds the sockets")->required();
    sub.add_option("--protocol", flags.protocol, "tcp or udp")->capture_default_str();
}

void add_match(CLI::App& sub, SocketFlags& flags, const char* addresses, const char* ports)
{
    sub.add_option("--to", flags.to, addresses)->delimiter(',');
    sub.add_option("--ports", flags.ports, ports)->delimiter(',');
}

} // namespace

Action declare_socket(CLI::App& app, const Globals& globals)
{
    const auto flags = std::make_shared<SocketFlags>();
    const auto step = std::make_shared<Step>(nullptr);
    const auto add = [&](const char* name, const char* what, Step run) {
        CLI::App* const sub = app.add_subcommand(name, what);
        sub->callback([step, run] { *step = run; });
        if (run != list) sub->add_option("name", flags->name, "what to call it (for list and off)")->required();
        return sub;
    };
    app.require_subcommand(1);
    CLI::App* sub = add("tune", "give new TCP connections options by destination, such as initial-window=30", tune);
    sub->add_option("option", flags->options, "OPTION=VALUE … (docs/socket.md)")->required();
    add_match(*sub, *flags, "peers' addresses or prefixes (any)", "ports connected to, or ours where we accept (any)");
    sub->add_option("--cgroup", flags->cgroup, "of the processes")->capture_default_str();
    sub = add("serve", "let one listening socket answer for more ports, or for a whole prefix", serve);
    add_service(*sub, *flags);
    sub->add_option("--port", flags->port, "that the service listens on")->required();
    add_match(*sub, *flags, "addresses or prefixes (any)", "ports, such as 1-1023,8000-8999 (any)");
    sub = add("spread", "choose the socket of an SO_REUSEPORT group by CPU or by QUIC's connection ID", spread);
    add_service(*sub, *flags);
    sub->add_option("--port", flags->port, "of the group")->required();
    sub->add_option("--by", flags->by, "cpu or connection-id")->capture_default_str();
    sub->add_option("--members", flags->members, "sockets of the group, where other processes hold some, too")
        ->check(CLI::Range(1, 65535));
    sub->add_option("--at", flags->at, "which byte of the connection ID names the socket")->check(CLI::Range(0, 19));
    sub = add("filter", "let sockets take only what a tcpdump expression matches", filter);
    sub->add_option("expression", flags->expression, "such as 'udp port 53 and src net 10.0.0.0/8'")->required();
    add_service(*sub, *flags);
    sub->add_option("--port", flags->port, "of the sockets");
    sub->add_flag("--packets", flags->packets, "its packet sockets (AF_PACKET), as tcpdump has one");
    add("list", "what is done to sockets, and whether it still works", list)
        ->add_flag("--json", flags->json, "as JSON");
    add("off", "take it back", off);
    return [flags, step, &globals] {
        const auto done_well = take(*step, *flags, globals);
        return done_well ? done : complain(done_well.error());
    };
}

} // namespace netwright::cli
