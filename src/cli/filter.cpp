// SPDX-License-Identifier: GPL-2.0-or-later
// netwright filter: an XDP firewall in front of the whole stack.
#include "cli/command.h"
#include "cli/filter_live.h"
#include "cli/filter_samples.h"
#include "cli/kept.h"
#include "cli/pins.h"
#include "cli/watch.h"
#include "dataplane/filter_control.h"
#include "dataplane/other_xdp.h"
#include "dataplane/syn_cookies.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <ctime>
#include <functional>
#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct FilterFlags {
    std::string policy, confirm_within;
    bool check = false, force = false, json = false;
    double watch = 0;
};

constexpr std::size_t list_limit = 256U << 20; // a list of ten million prefixes

// A policy and the lists that it names, whose paths are relative to it. A kept one brings its own.
Result<dp::KeptConfig> read_policy(const std::string& path)
{
    std::string text = TRY(read_file(path, list_limit));
    if (dp::is_kept(text)) return dp::parse_kept(text);
    dp::KeptConfig kept{path == "-" ? "stdin" : path, std::move(text)};
    kept.applied = std::time(nullptr);
    const auto folder = path == "-" ? std::filesystem::path() : std::filesystem::path(path).parent_path();
    TRY_VOID(dp::parse_filter_policy(kept.text, path, [&](const std::string& list) -> Result<std::string> {
        auto content = read_file((folder / list).string(), list_limit);
        if (content) kept.files.emplace(list, *content);
        return content;
    }));
    return kept;
}

// The lock-out guard: who applies a policy is never shut out by it, unless that is what he forces.
std::string guard_text(const dp::KeptConfig& kept)
{
    if (!kept.administrator) return "";
    return fmt::format("{} is always passed: you are logged in from there (--force leaves it out)\n",
                       to_text(*kept.administrator));
}

// Findings about the policy on stderr; Rejected when it would block everything unasked.
Result<void> consider(const dp::FilterPolicy& policy, const FilterFlags& flags)
{
    for (const std::string& doubt : dp::doubts(policy))
        fmt::print(stderr, "netwright: {}\n", doubt);
    if (!policy.cookie_ports.empty())
        for (const std::string& doubt : dp::cookie_doubts(dp::cookie_settings(kernel::Files::live())))
            fmt::print(stderr, "netwright: {}\n", doubt);
    const std::string everything = dp::blocks_everything(policy);
    if (everything.empty() || flags.force) return {};
    return fail(
        Error::Kind::Rejected,
        fmt::format("this policy blocks everything: {}; try it with dry_run: true, or give --force", everything));
}

std::string summary(const dp::FilterPolicy& policy)
{
    std::size_t prefixes = 0;
    for (const dp::PrefixList& list : policy.lists)
        prefixes += list.prefixes.size() + list.timed.size();
    return fmt::format("{} with {} in {} and {} on {}{}\n", policy.dry_run ? "filter (dry run)" : "filter",
                       report::counted(prefixes, "prefix"), report::counted(policy.lists.size(), "list"),
                       report::counted(policy.rules.size(), "rule"), fmt::join(policy.interfaces, ", "),
                       policy.mode == dp::FilterPolicy::Mode::Generic ? " (generic XDP)" : "");
}

Result<void> apply_policy(const FilterFlags& flags, const Globals& globals)
{
    auto kept = TRY(read_policy(flags.policy));
    if (const auto you = administrator(); you && !flags.force) kept.administrator = you;
    if (!globals.netns.empty()) TRY_VOID(kernel::enter_namespace(globals.netns));
    const auto policy = TRY(dp::filter_policy_of(kept));
    TRY_VOID(consider(policy, flags));
    if (flags.check) return print("would install: " + summary(policy) + guard_text(kept));
    const std::string note = TRY(change_packet_path(PacketPath::What::Filter, kept, flags.confirm_within, globals));
    return print("installed: " + summary(policy) + guard_text(kept) + note);
}

nlohmann::json behind_json(const std::vector<dp::OtherXdp>& others)
{
    nlohmann::json json = nlohmann::json::object();
    for (const dp::OtherXdp& other : others)
        json[other.interface] = {{"program", other.name}, {"id", other.id}};
    return json;
}

std::string behind_text(const std::vector<dp::OtherXdp>& others)
{
    std::string text;
    for (const dp::OtherXdp& other : others)
        text += fmt::format("behind      {}: {}\n", other.interface, report::printable(to_text(other)));
    return text;
}

Result<void> show(const FilterFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "filter"));
    const auto installed = TRY(dp::installed_filter(directory));
    if (!installed) return print(flags.json ? "null\n" : "no filter runs here\n");
    const auto behind = TRY(dp::displaced_xdp(directory));
    const std::string_view mode = installed->mode == dp::FilterPolicy::Mode::Native ? "native" : "generic";
    if (flags.json) {
        const nlohmann::json json{{"policy", installed->policy},
                                  {"mode", mode},
                                  {"dry_run", installed->dry_run},
                                  {"interfaces", installed->interfaces},
                                  {"behind", behind_json(behind)}};
        return print(json.dump(2) + "\n");
    }
    return print(fmt::format("policy      {}\nmode        {}{}\ninterfaces  {}\n", report::printable(installed->policy),
                             mode, installed->dry_run ? ", dry run: nothing is dropped" : "",
                             fmt::join(installed->interfaces, ", ")) +
                 behind_text(behind));
}

std::string stats_json(const std::vector<dp::NamedCount>& counts)
{
    nlohmann::json json = nlohmann::json::object();
    for (const dp::NamedCount& count : counts)
        json[count.name] = {{"packets", count.sum.packets}, {"bytes", count.sum.bytes}};
    return json.dump(2) + "\n";
}

std::string stats_text(const std::vector<dp::NamedCount>& counts, const Globals& globals)
{
    std::vector<std::vector<std::string>> rows{{"counted as", "packets", "bytes"}};
    for (const dp::NamedCount& count : counts)
        rows.push_back(
            {report::printable(count.name), fmt::format("{}", count.sum.packets), fmt::format("{}", count.sum.bytes)});
    return report::table(rows, style_of(STDOUT_FILENO, globals));
}

Result<void> stats(const FilterFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "filter"));
    return print_again(flags.watch, [&]() -> Result<std::string> {
        const auto counts = TRY(dp::filter_stats(directory));
        return flags.json ? stats_json(counts) : stats_text(counts, globals);
    });
}

Result<void> off(const FilterFlags&, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "filter"));
    const auto installed = TRY(dp::installed_filter(directory));
    const auto displaced = TRY(dp::displaced_xdp(directory)); // by a command that was killed before its filter ran
    if (!installed && displaced.empty()) return print("no filter runs here\n");
    const std::string note = TRY(change_packet_path(PacketPath::What::Filter, std::nullopt, "", globals));
    const auto interfaces = installed ? installed->interfaces : std::vector<std::string>{"where it was to run"};
    return print(fmt::format("removed from {}\n{}", fmt::join(interfaces, ", "), note));
}

using Step = Result<void> (*)(const FilterFlags&, const Globals&);
using FilterAction = std::function<Result<void>()>;

} // namespace

Action declare_filter(CLI::App& app, const Globals& globals)
{
    const auto flags = std::make_shared<FilterFlags>();
    const auto chosen = std::make_shared<FilterAction>();
    const auto add = [&](const char* name, const char* what, Step run) {
        CLI::App* const sub = app.add_subcommand(name, what);
        sub->callback([=, &globals] { *chosen = [=, &globals] { return run(*flags, globals); }; });
        return sub;
    };
    app.require_subcommand(1);
    CLI::App* const apply = add("apply", "install a policy, or replace the running one without a gap", apply_policy);
    apply->add_option("policy", flags->policy, "YAML file, or - for stdin (docs/filter.md)")->required();
    apply->add_flag("--check", flags->check, "read and judge the policy; install nothing");
    apply->add_flag("--force", flags->force, "install a policy that blocks everything, or you");
    add_confirm_flag(*apply, flags->confirm_within);
    CLI::App* const shown = add("show", "what runs, and where", show);
    shown->add_flag("--json", flags->json, "as JSON");
    CLI::App* const counted = add("stats", "packets and bytes by list, rule and check", stats);
    counted->add_flag("--json", flags->json, "as JSON");
    add_watch_flag(*counted, flags->watch);
    add("off", "detach the filter and forget its counters", off);
    declare_filter_live(app, globals, chosen);
    CLI::App* const sampled =
        app.add_subcommand("samples", "packets that were dropped, as the policy has them sampled");
    sampled->callback([chosen, run = declare_filter_samples(*sampled, globals)] { *chosen = run; });
    return [chosen] {
        const auto done_well = (*chosen)();
        return done_well ? done : complain(done_well.error());
    };
}

} // namespace netwright::cli
