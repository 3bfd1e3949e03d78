// SPDX-License-Identifier: GPL-2.0-or-later
// netwright multihome: answers leave where requests came in.
#include "plan/multihome.h"

#include "apply/fingerprint.h"
#include "base/ip_prefix.h"
#include "cli/transaction.h"
#include "host/address.h"
#include "host/collect.h"
#include "model/plan_yaml.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>

namespace netwright::cli {
namespace {

struct MultihomeCommand {
    std::vector<std::string> gateways; // "eth1=192.0.2.1"
    bool show = false;
    ApplyFlags flags;
};

// Addresses of no one, far away, so that the default route decides: class E (RFC 1112), which not even a laboratory has
// on link as it may RFC 5737's, and RFC 3849's.
constexpr const char* far_ipv4 = "240.0.0.77";
constexpr const char* far_ipv6 = "2001:db8:ffff:ffff::77";

Result<plan::MultihomeOptions> options_of(const MultihomeCommand& command)
{
    plan::MultihomeOptions options;
    for (const std::string& text : command.gateways) {
        const std::size_t equals = text.find('=');
        const auto gateway =
            equals == std::string::npos ? fail(Error::Kind::Malformed, "") : parse_ip_prefix(text.substr(equals + 1));
        if (!gateway || !gateway->is_host() || equals == 0)
            return fail(Error::Kind::Rejected, fmt::format("--gateway {}: write it as eth1=192.0.2.1", text));
        options.gateways.emplace(text.substr(0, equals), address_text(*gateway));
    }
    return options;
}

Snapshot look_at_paths(kernel::Kernel& kernel)
{
    Snapshot host;
    host.addresses = host::collect_addresses(kernel);
    host.routes = host::collect_routes(kernel);
    host.rules = host::collect_rules(kernel);
    return host;
}

std::string way_text(const Result<host::Egress>& way)
{
    return way ? fmt::format("{} by {}", way->nic, way->gateway.empty() ? "nobody (on link)" : way->gateway)
               : way.error().what;
}

struct Answer {
    plan::Homing home;
    Result<host::Egress> way;
    bool is_right() const { return way && way->nic == home.nic && way->gateway == home.gateway; }
};

std::vector<Answer> ask(kernel::Kernel& kernel, const std::vector<plan::Homing>& homes)
{
    std::vector<Answer> answers;
    for (const plan::Homing& home : homes) {
        const char* const far = home.address.find(':') == std::string::npos ? far_ipv4 : far_ipv6;
        answers.push_back({home, host::egress_of(kernel, far, home.address)});
    }
    return answers;
}

Result<void> verify(kernel::Kernel& kernel, const std::vector<plan::Homing>& homes)
{
    for (const Answer& answer : ask(kernel, homes))
        if (!answer.is_right())
            return fail(Error::Kind::Mismatch,
                        fmt::format("packets from {} leave through {}, not through {} by {}", answer.home.address,
                                    way_text(answer.way), answer.home.nic, answer.home.gateway));
    return {};
}

int show(kernel::Kernel& kernel, const plan::Multihome& multihome)
{
    int code = done;
    for (const Answer& answer : ask(kernel, multihome.homes)) {
        fmt::print("{:<40} {} leaves through {}\n", answer.home.address, answer.is_right() ? "ok   " : "WRONG",
                   way_text(answer.way));
        if (!answer.is_right()) code = failed;
    }
    return code;
}

void print_notes(const plan::Multihome& multihome)
{
    for (const std::string& note : multihome.notes)
        fmt::print("note: {}\n", note);
}

int run(const MultihomeCommand& command, const Globals& globals)
{
    const auto options = options_of(command);
    if (!options) return complain(options.error(), usage);
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto multihome = plan::plan_multihome(look_at_paths(*kernel), *options);
    if (!multihome) return complain(multihome.error());
    print_notes(*multihome);
    if (command.show) return show(*kernel, *multihome);
    Plan plan;
    auto fingerprint = apply::fingerprint(*kernel);
    if (!fingerprint) return complain(fingerprint.error());
    plan.made_for = *std::move(fingerprint);
    plan.changes = multihome->changes;
    ApplyFlags flags = command.flags;
    flags.verify = [homes = multihome->homes](kernel::Kernel& changed) { return verify(changed, homes); };
    return run_plan(plan, to_yaml(plan), *kernel, flags, globals);
}

} // namespace

Action declare_multihome(CLI::App& app, const Globals& globals)
{
    auto command = std::make_shared<MultihomeCommand>();
    app.add_option("--gateway", command->gateways,
                   "an interface's gateway where no default route shows it (repeatable)")
        ->type_name("NIC=ADDRESS");
    app.add_flag("--show", command->show, "only show which way each address's packets leave now");
    add_apply_flags(app, command->flags);
    app.footer(
        "Builds a routing table for each interface that has a gateway, and a rule for each of its addresses, so\n"
        "that answers leave where requests came in. Both families. Taken back with: netwright rollback");
    return [command, &globals] { return run(*command, globals); };
}

} // namespace netwright::cli
