// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb: an XDP layer-4 load balancer.
#include "cli/command.h"
#include "cli/kept.h"
#include "cli/lb_decap.h"
#include "cli/lb_run.h"
#include "cli/pins.h"
#include "cli/watch.h"
#include "dataplane/lb_status.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <functional>
#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct LbFlags {
    std::string config, confirm_within;
    bool check = false, json = false, prometheus = false;
    double watch = 0;
};

constexpr std::size_t config_limit = 1U << 20;
constexpr std::array<const char*, 4> kind_words{"vip", "backend", "dropped", "nat"};

const char* kind_of(const dp::LbCounted& counted) { return kind_words[static_cast<std::size_t>(counted.of)]; }

std::string summary(const dp::LbConfig& config)
{
    std::size_t backends = 0;
    for (const dp::LbPool& pool : config.pools)
        backends += pool.backends.size();
    return fmt::format("balancer with {} and {} in {} on {}{}\n", report::counted(config.vips.size(), "VIP"),
                       report::counted(backends, "backend"), report::counted(config.pools.size(), "pool"),
                       config.interfaces.empty() ? "no interface"
                                                 : fmt::format("{}", fmt::join(config.interfaces, ", ")),
                       config.generic ? " (generic XDP)" : "");
}

Result<void> apply_config(const LbFlags& flags, const Globals& globals)
{
    const std::string text = TRY(read_file(flags.config, config_limit));
    const std::string name = flags.config == "-" ? "stdin" : flags.config;
    const auto kept = dp::is_kept(text) ? TRY(dp::parse_kept(text)) : dp::KeptConfig{name, text};
    const auto config = TRY(dp::parse_lb_config(kept.text, name));
    for (const std::string& doubt : dp::doubts(config))
        fmt::print(stderr, "netwright: {}\n", doubt);
    if (flags.check) return print("would install: " + summary(config));
    const std::string note = TRY(change_packet_path(PacketPath::What::Balancer, kept, flags.confirm_within, globals));
    const std::string doubt = port_doubt_here(config); // this is the balancer's namespace by now
    if (!doubt.empty()) fmt::print(stderr, "netwright: {}\n", doubt);
    return print("installed: " + summary(config) + note);
}

std::string percent(double part) { return fmt::format("{:.1f} %", part * 100); }

std::string view_json(const dp::LbView& view)
{
    nlohmann::json shares = nlohmann::json::array();
    for (const dp::LbShare& share : view.shares)
        shares.push_back(
            {{"pool", share.pool}, {"backend", share.backend}, {"owns", share.owns}, {"keeps", share.keeps}});
    nlohmann::json nat = nlohmann::json::array();
    for (const dp::LbNatUse& use : view.nat)
        nat.push_back({{"address", use.address}, {"ports", use.ports}, {"tcp", use.tcp}, {"udp", use.udp}});
    const nlohmann::json json{{"config", view.installed.config},
                              {"xdp", view.installed.generic ? "generic" : "native"},
                              {"interfaces", view.installed.interfaces},
                              {"generation", view.installed.generation},
                              {"draining_seconds", std::chrono::duration<double>(view.draining).count()},
                              {"shares", shares},
                              {"nat", nat}};
    return json.dump(2) + "\n";
}

std::string view_text(const dp::LbView& view, const Globals& globals)
{
    std::string text = fmt::format(
        "config      {}\nxdp         {}\ninterfaces  {}\ndraining    {}\n\n", report::printable(view.installed.config),
        view.installed.generic ? "generic" : "native", fmt::join(view.installed.interfaces, ", "),
        view.draining.count() == 0 ? std::string("no: every connection is with its backend")
                                   : "for " + duration_text(view.draining) + " more");
    std::vector<std::vector<std::string>> rows{{"pool", "backend", "gets new connections of", "keeps old ones of"}};
    for (const dp::LbShare& share : view.shares)
        rows.push_back({report::printable(share.pool), share.backend, percent(share.owns),
                        share.keeps > 0 ? percent(share.keeps) : ""});
    text += report::table(rows, style_of(STDOUT_FILENO, globals));
    if (view.nat.empty()) return text;
    rows = {{"nat address", "ports", "tcp connections", "udp"}};
    for (const dp::LbNatUse& use : view.nat)
        rows.push_back(
            {use.address, fmt::format("{}", use.ports), fmt::format("{}", use.tcp), fmt::format("{}", use.udp)});
    return text + "\n" + report::table(rows, style_of(STDOUT_FILENO, globals));
}

Result<void> show(const LbFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "lb"));
    const auto view = TRY(dp::view_lb(directory));
    if (!view) return print(flags.json ? "null\n" : "no balancer runs here\n");
    return print(flags.json ? view_json(*view) : view_text(*view, globals));
}

std::string stats_json(const std::vector<dp::LbCounted>& counts)
{
    nlohmann::json json = nlohmann::json::object();
    for (const dp::LbCounted& count : counts)
        json[kind_of(count)][count.name] = {{"packets", count.sum.packets}, {"bytes", count.sum.bytes}};
    return json.dump(2) + "\n";
}

std::string stats_text(const std::vector<dp::LbCounted>& counts, const Globals& globals)
{
    std::vector<std::vector<std::string>> rows{{"", "", "packets", "bytes"}};
    for (const dp::LbCounted& count : counts)
        if (count.of != dp::LbCounted::Of::Dropped || count.sum.packets > 0)
            rows.push_back(
                {kind_of(count), count.name, fmt::format("{}", count.sum.packets), fmt::format("{}", count.sum.bytes)});
    return report::table(rows, style_of(STDOUT_FILENO, globals));
}

Result<void> stats(const LbFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "lb"));
    return print_again(flags.watch, [&]() -> Result<std::string> {
        const auto counts = TRY(dp::lb_stats(directory));
        if (flags.prometheus) return dp::to_prometheus(counts);
        return flags.json ? stats_json(counts) : stats_text(counts, globals);
    });
}

Result<void> off(const LbFlags&, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "lb"));
    const bool there = std::filesystem::exists(directory);
    if (!there) return print("no balancer runs here\n");
    const std::string note = TRY(change_packet_path(PacketPath::What::Balancer, std::nullopt, "", globals));
    TRY_VOID(dp::remove_lb(directory)); // what a command left that was killed before it had begun
    return print("removed\n" + note);
}

using LbStep = Result<void> (*)(const LbFlags&, const Globals&);
using LbAction = std::function<Result<void>()>;

} // namespace

Action declare_lb(CLI::App& app, const Globals& globals)
{
    const auto flags = std::make_shared<LbFlags>();
    const auto chosen = std::make_shared<LbAction>();
    const auto add = [&](const char* name, const char* what, LbStep run) {
        CLI::App* const sub = app.add_subcommand(name, what);
        sub->callback([=, &globals] { *chosen = [=, &globals] { return run(*flags, globals); }; });
        return sub;
    };
    app.require_subcommand(1);
    CLI::App* const apply =
        add("apply", "start it, or give the running one another configuration; no connection is lost", apply_config);
    apply->add_option("config", flags->config, "YAML file, or - for stdin (docs/formats/lb.md)")->required();
    apply->add_flag("--check", flags->check, "read and judge it; install nothing");
    add_confirm_flag(*apply, flags->confirm_within);
    CLI::App* const shown = add("show", "what runs, and which backend has which share", show);
    shown->add_flag("--json", flags->json, "as JSON");
    CLI::App* const counted = add("stats", "packets and bytes by VIP, backend and reason for a drop", stats);
    CLI::Option* const json = counted->add_flag("--json", flags->json, "as JSON");
    counted->add_flag("--prometheus", flags->prometheus, "in Prometheus's text format")->excludes(json);
    add_watch_flag(*counted, flags->watch);
    add("off", "detach it and forget its connections and counters", off);
    CLI::App* const decap = app.add_subcommand("decap", "on a backend: take the balancer's outer header off");
    decap->callback([chosen, run = declare_decap(*decap, globals)] { *chosen = run; });
    CLI::App* const supervised =
        app.add_subcommand("run", "in the foreground: start it, check its backends, serve its status");
    supervised->callback([chosen, run = declare_lb_run(*supervised, globals)] { *chosen = run; });
    CLI::App* const asked = app.add_subcommand("status", "what 'lb run' thinks of the backends");
    asked->callback([chosen, run = declare_lb_status(*asked, globals)] { *chosen = run; });
    return [chosen] {
        const auto done_well = (*chosen)();
        return done_well ? done : complain(done_well.error());
    };
}

} // namespace netwright::cli
