// SPDX-License-Identifier: GPL-2.0-or-later
// netwright steer: packets into classes on traffic control's hooks.
#include "cli/command.h"
#include "cli/pins.h"
#include "cli/session.h"
#include "cli/watch.h"
#include "dataplane/steer_control.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct SteerFlags {
    std::string policy;
    bool check = false, force = false, json = false;
    double watch = 0;
};

bool can_cut(const dp::SteerClass& one) { return one.redirect.way != STEER_STAY || one.limit.has_value(); }

// The lock-out guard: the connection of who applies a policy that redirects or limits belongs to a class of its own,
// ahead of all others, which does nothing.
Result<std::string> spare_session(dp::SteerPolicy& policy, const Globals& globals)
{
    if (std::ranges::none_of(policy.classes, can_cut)) return "";
    auto kernel = TRY(open_kernel(globals));
    const auto session = session_here(kernel);
    const auto peer = session ? dp::parse_prefix(session->peer) : fail(Error::Kind::Absent, "no session");
    const auto local = session ? dp::parse_prefix(session->local) : fail(Error::Kind::Absent, "no session");
    if (!peer || !local) return "";
    dp::SteerClass in, out;
    in.name = "administrator-in", out.name = "administrator-out";
    in.side = dp::TcSide::Ingress;
    in.protocols = out.protocols = {6};
    in.from = out.to = {*peer};
    in.to = out.from = {*local};
    for (const dp::SteerClass& guard : {in, out}) {
        if (!policy.uses(guard.side)) continue;
        if (policy.classes.size() == STEER_CLASSES ||
            std::ranges::count(policy.classes, guard.name, &dp::SteerClass::name))
            return fail(Error::Kind::Rejected, fmt::format("the policy leaves no room for the class '{}', which spares "
                                                           "your own connection: remove a class, or give --force",
                                                           guard.name));
        policy.classes.insert(policy.classes.begin(), guard);
    }
    return fmt::format("your connection from {} is left alone (--force does not)\n", session->peer);
}

std::string limits_text(const dp::InstalledSteer& installed)
{
    if (!installed.limits || !installed.egress) return "";
    std::vector<std::string> policed;
    for (const std::string& interface : installed.interfaces)
        if (std::ranges::find(installed.paced, interface) == installed.paced.end()) policed.push_back(interface);
    std::string text;
    if (!installed.paced.empty())
        text += fmt::format("limits      delay on {}: its fq qdisc sends each packet at its time\n",
                            fmt::join(installed.paced, ", "));
    if (!policed.empty())
        text += fmt::format("limits      drop on {}: no fq qdisc there (tc qdisc replace dev {} root fq, then apply "
                            "again, to delay instead)\n",
                            fmt::join(policed, ", "), policed.front());
    return text;
}

std::string hook_text(const dp::InstalledSteer& installed)
{
    return fmt::format("{}, {}", installed.clsact ? "clsact" : "TCX",
                       installed.ingress && installed.egress ? "ingress and egress"
                       : installed.ingress                   ? "ingress"
                                                             : "egress");
}

Result<void> apply_policy(const SteerFlags& flags, const Globals& globals)
{
    const std::string text = TRY(read_file(flags.policy, 1U << 20));
    auto policy = TRY(dp::parse_steer_policy(text, flags.policy));
    for (const std::string& doubt : dp::doubts(policy))
        fmt::print(stderr, "netwright: {}\n", report::printable(doubt));
    const std::string what =
        fmt::format("{} on {}", report::counted(policy.classes.size(), "class"), fmt::join(policy.interfaces, ", "));
    if (flags.check) return print("would steer: " + what + "\n");
    std::string guard;
    if (!flags.force) guard = TRY(spare_session(policy, globals));
    const auto directory = TRY(enter_pins(globals, "steer"));
    const auto installed = TRY(dp::install_steer(directory, policy, flags.policy == "-" ? "stdin" : flags.policy));
    return print(fmt::format("steering: {} ({})\n{}", what, hook_text(installed), limits_text(installed) + guard));
}

Result<void> show(const SteerFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "steer"));
    const auto installed = TRY(dp::installed_steer(directory));
    if (!installed) return print(flags.json ? "null\n" : "nothing is steered here\n");
    const auto troubles = dp::steer_troubles(directory, *installed);
    if (flags.json) {
        const nlohmann::json json{{"policy", installed->policy},   {"hook", installed->clsact ? "clsact" : "tcx"},
                                  {"ingress", installed->ingress}, {"egress", installed->egress},
                                  {"paced", installed->paced},     {"interfaces", installed->interfaces},
                                  {"troubles", troubles}};
        return print(json.dump(2) + "\n");
    }
    std::string text =
        fmt::format("policy      {}\nhook        {}\ninterfaces  {}\n", report::printable(installed->policy),
                    hook_text(*installed), fmt::join(installed->interfaces, ", "));
    text += limits_text(*installed);
    for (const std::string& trouble : troubles)
        text += "trouble     " + report::printable(trouble) + "\n";
    return print(text);
}

std::string stats_json(const std::vector<dp::NamedSteerCount>& counts)
{
    nlohmann::json json = nlohmann::json::object();
    for (const auto& [name, sum] : counts)
        json[name] = {
            {"packets", sum.packets}, {"bytes", sum.bytes}, {"dropped", sum.dropped}, {"delayed", sum.delayed}};
    return json.dump(2) + "\n";
}

std::string stats_text(const std::vector<dp::NamedSteerCount>& counts, const Globals& globals)
{
    std::vector<std::vector<std::string>> rows{{"class", "packets", "bytes", "dropped", "delayed"}};
    for (const auto& [name, sum] : counts)
        rows.push_back({report::printable(name), fmt::format("{}", sum.packets), fmt::format("{}", sum.bytes),
                        fmt::format("{}", sum.dropped), fmt::format("{}", sum.delayed)});
    return report::table(rows, style_of(STDOUT_FILENO, globals));
}

Result<void> stats(const SteerFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "steer"));
    return print_again(flags.watch, [&]() -> Result<std::string> {
        const auto counts = TRY(dp::steer_stats(directory));
        return flags.json ? stats_json(counts) : stats_text(counts, globals);
    });
}

Result<void> off(const SteerFlags&, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "steer"));
    const auto installed = TRY(dp::installed_steer(directory));
    TRY_VOID(dp::remove_steer(directory));
    return print(installed ? fmt::format("removed from {}\n", fmt::join(installed->interfaces, ", "))
                           : "nothing is steered here\n");
}

using Step = Result<void> (*)(const SteerFlags&, const Globals&);

} // namespace

Action declare_steer(CLI::App& app, const Globals& globals)
{
    const auto flags = std::make_shared<SteerFlags>();
    const auto step = std::make_shared<Step>(nullptr);
    const auto add = [&](const char* name, const char* what, Step run) {
        CLI::App* const sub = app.add_subcommand(name, what);
        sub->callback([step, run] { *step = run; });
        return sub;
    };
    app.require_subcommand(1);
    CLI::App* const apply = add("apply", "install a policy, or replace the running one without a gap", apply_policy);
    apply->add_option("policy", flags->policy, "YAML file, or - for stdin (docs/steer.md)")->required();
    apply->add_flag("--check", flags->check, "read and judge the policy; install nothing");
    apply->add_flag("--force", flags->force, "steer your own ssh connection, too");
    CLI::App* const shown = add("show", "what runs, where, and what has come to be wrong with it", show);
    shown->add_flag("--json", flags->json, "as JSON");
    CLI::App* const counted = add("stats", "packets and bytes by class", stats);
    counted->add_flag("--json", flags->json, "as JSON");
    add_watch_flag(*counted, flags->watch);
    add("off", "stop steering and forget the counters", off);
    return [flags, step, &globals] {
        const auto done_well = (*step)(*flags, globals);
        return done_well ? done : complain(done_well.error());
    };
}

} // namespace netwright::cli
