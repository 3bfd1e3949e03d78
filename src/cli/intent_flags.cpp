// SPDX-License-Identifier: GPL-2.0-or-later
// Merging flags over netwright.yaml.
#include "cli/intent_flags.h"

#include "model/intent_yaml.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace netwright::cli {
namespace {

constexpr const char* system_intent = "/etc/netwright/netwright.yaml";
constexpr std::size_t largest_intent = 1U << 20;

Result<Intent> intent_of_file(const IntentFlags& flags)
{
    const std::string path = flags.file.empty() ? system_intent : flags.file;
    auto text = read_file(path, largest_intent);
    if (!text && flags.file.empty() && text.error().kind == Error::Kind::Absent) return Intent{}; // nobody wrote one
    return intent_from_yaml(TRY(std::move(text)), path);
}

void describe_load(const IntentFlags& flags, Intent& intent)
{
    if (flags.connections) intent.connections = Answer<std::uint64_t>{*flags.connections, true, "--connections"};
    if (flags.connection_rate)
        intent.connection_rate = Answer<std::uint64_t>{*flags.connection_rate, true, "--connection-rate"};
    if (flags.datagram_rate)
        intent.datagram_rate = Answer<std::uint64_t>{*flags.datagram_rate, true, "--datagram-rate"};
    if (flags.loss_percent) intent.loss = Answer<double>{*flags.loss_percent / 100, true, "--loss"};
}

} // namespace

void add_intent_flags(CLI::App& app, IntentFlags& flags)
{
    app.add_option("--intent", flags.file,
                   fmt::format("what the host is for, as YAML (default: {} if it is there)", system_intent))
        ->type_name("FILE");
    app.add_option(
           "--workload", flags.workload,
           "what the host does: web-server, proxy, bulk, database, …; several with commas, the one that counts most "
           "first; `netwright plan --workload help` describes them")
        ->type_name("CLASS[,CLASS]");
    app.add_option("--bandwidth", flags.bandwidth, "towards its peers, such as 10Gbit")->type_name("RATE");
    app.add_option("--rtt", flags.rtt, "round trip to the peers that matter, such as 50ms")->type_name("TIME");
    app.add_option("--connections", flags.connections, "how many at once")->type_name("N")->check(whole_number);
    app.add_option("--connection-rate", flags.connection_rate, "new ones a second")
        ->type_name("N")
        ->check(whole_number);
    app.add_option("--datagram-rate", flags.datagram_rate, "UDP datagrams received a second")
        ->type_name("N")
        ->check(whole_number);
    app.add_option("--stall", flags.stall, "longest pause of the program between two accepts or reads (default 100ms)")
        ->type_name("TIME");
    app.add_option("--loss", flags.loss_percent, "bytes lost on the path, in percent")
        ->type_name("P")
        ->check(number_between(0, 100));
    app.add_option("--risk", flags.risk, "changes above this are left out: none, low, medium, high")->type_name("RISK");
    app.add_option("--protect", flags.protect, "never touch these tunables, such as 'net.ipv4.conf.*' (repeatable)")
        ->type_name("GLOB");
}

Result<Intent> given_intent(const IntentFlags& flags)
{
    Intent intent = TRY(intent_of_file(flags));
    if (!flags.workload.empty()) {
        const auto named = TRY(typed("--workload", parse_workloads(flags.workload)));
        intent.workload = {named.front(), true, "--workload"};
        intent.beside.assign(named.begin() + 1, named.end());
    }
    if (!flags.stall.empty())
        intent.stall = Answer<Nanoseconds>{TRY(typed("--stall", parse_duration(flags.stall))), true, "--stall"};
    if (!flags.bandwidth.empty())
        intent.bandwidth =
            Answer<BitRate>{TRY(typed("--bandwidth", parse_bandwidth(flags.bandwidth))), true, "--bandwidth"};
    if (!flags.rtt.empty())
        intent.rtt = Answer<Nanoseconds>{TRY(typed("--rtt", parse_round_trip(flags.rtt))), true, "--rtt"};
    if (!flags.risk.empty()) intent.welcome = TRY(typed("--risk", parse_risk(flags.risk)));
    describe_load(flags, intent);
    intent.protect.insert(intent.protect.end(), flags.protect.begin(), flags.protect.end());
    return intent;
}

} // namespace netwright::cli
