// SPDX-License-Identifier: GPL-2.0-or-later
// netwright steer: packets into classes on traffic control's hooks.
#include "cli/command.h"
#include "cli/kept.h"
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
    std::string policy, confirm_within;
    bool check = false, force = false, json = false;
    double watch = 0;
};

// The lock-out guard: the connection of who applies a policy is left alone.
Result<void> spare_session(dp::KeptConfig& kept, const Globals& globals)
{
    auto kernel = TRY(open_kernel(globals));
    const auto session = session_here(kernel);
    if (!session) return {};
    const auto peer = dp::parse_prefix(session->peer), local = dp::parse_prefix(session->local);
    if (!peer || !local) return {};
    kept.administrator = *peer;
    kept.reached = *local;
    return {};
}

std::string guard_text(const dp::SteerPolicy& policy, const dp::KeptConfig& kept)
{
    const auto guards = [](const dp::SteerClass& one) { return one.name.starts_with("administrator-"); };
    if (!kept.administrator || std::ranges::none_of(policy.classes, guards)) return "";
    return fmt::format("your connection from {} is left alone (--force does not)\n", to_text(*kept.administrator));
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

Result<dp::KeptConfig> read_policy(const std::string& path)
{
    std::string text = TRY(read_file(path, 1U << 20));
    if (dp::is_kept(text)) return dp::parse_kept(text);
    return dp::KeptConfig{path == "-" ? "stdin" : path, std::move(text)};
}

// What the transaction installed, in words.
Result<std::string> installed_text(const std::string& what)
{
    const auto directory = TRY(dp::pin_directory("steer"));
    const auto installed = TRY(dp::installed_steer(directory));
    if (!installed) return fail(Error::Kind::Mismatch, "nothing is steered here, though it was just installed");
    return fmt::format("steering: {} ({})\n{}", what, hook_text(*installed), limits_text(*installed));
}

Result<void> apply_policy(const SteerFlags& flags, const Globals& globals)
{
    auto kept = TRY(read_policy(flags.policy));
    const auto wanted = TRY(dp::parse_steer_policy(kept.text, kept.name));
    for (const std::string& doubt : dp::doubts(wanted))
        fmt::print(stderr, "netwright: {}\n", report::printable(doubt));
    const std::string what =
        fmt::format("{} on {}", report::counted(wanted.classes.size(), "class"), fmt::join(wanted.interfaces, ", "));
    if (flags.check) return print("would steer: " + what + "\n");
    if (!flags.force) TRY_VOID(spare_session(kept, globals));
    const auto policy = TRY(dp::steer_policy_of(kept));
    const std::string note = TRY(change_packet_path(PacketPath::What::Steering, kept, flags.confirm_within, globals));
    const std::string installed = TRY(installed_text(what));
    return print(installed + guard_text(policy, kept) + note);
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
    if (!installed) return print("nothing is steered here\n");
    const std::string note = TRY(change_packet_path(PacketPath::What::Steering, std::nullopt, "", globals));
    return print(fmt::format("removed from {}\n{}", fmt::join(installed->interfaces, ", "), note));
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
    add_confirm_flag(*apply, flags->confirm_within);
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
