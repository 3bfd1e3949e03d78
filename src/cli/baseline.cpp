// SPDX-License-Identifier: GPL-2.0-or-later
// netwright baseline: how this host did then, and whether today differs beyond noise.
#include "cli/baseline_store.h"
#include "cli/live_traffic.h"
#include "cli/verdict_text.h"
#include "measure/verdict.h"
#include "report/measurement_report.h"

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>

namespace netwright::cli {
namespace {

constexpr unsigned least_repeats = 4; // two samples of four can just be told apart at 5 % (Mann-Whitney)

struct BaselineFlags {
    std::string name, workload, host;
    TrafficFlags traffic;
    PeerFlags peer;
    unsigned repeat = 5;
    bool json = false;
};

std::string utc_now()
{
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

Result<std::vector<Measurement>> measure_often(const BaselineFlags& flags, const std::string& host,
                                               const Traffic& traffic, std::size_t times)
{
    std::vector<Measurement> runs;
    while (runs.size() < times) {
        auto run = TRY(measure_traffic(host, flags.peer, traffic));
        runs.push_back(std::move(run));
    }
    return runs;
}

Result<void> save(const BaselineFlags& flags, const Traffic& traffic, const Globals& globals)
{
    kernel::Kernel kernel = TRY(open_kernel(globals));
    auto store = TRY(BaselineStore::open(globals.state_dir));
    Baseline baseline{flags.name, utc_now(), flags.host, TRY(host_state(kernel)), {}};
    baseline.runs = TRY(measure_often(flags, flags.host, traffic, flags.repeat));
    TRY_VOID(store.save(baseline));
    return print(fmt::format("saved baseline {}: {} runs of {}\n", flags.name, flags.repeat, flags.workload));
}

Result<void> list(const Globals& globals)
{
    auto store = TRY(BaselineStore::open(globals.state_dir));
    std::vector<std::vector<std::string>> rows{{"name", "taken", "workload", "runs", "server"}};
    for (const BaselineStore::Line& line : TRY(store.list()))
        rows.push_back({report::printable(line.name), line.taken, line.workload, std::to_string(line.runs),
                        line.host.empty() ? "here" : report::printable(line.host)});
    if (rows.size() == 1) return print("no baseline is kept (make one: netwright baseline save NAME WORKLOAD)\n");
    return print(report::table(rows, style_of(STDOUT_FILENO, globals)));
}

Result<void> show(const BaselineFlags& flags, const Globals& globals)
{
    auto store = TRY(BaselineStore::open(globals.state_dir));
    const Baseline baseline = TRY(store.load(flags.name));
    const Fingerprint& host = baseline.state.fingerprint;
    std::string text =
        fmt::format("{}, taken {} on {}, Linux {}, {} settings\n", report::printable(baseline.name), baseline.taken,
                    report::printable(host.hostname), report::printable(host.kernel), baseline.state.settings.size());
    for (const Measurement& run : baseline.runs)
        text += report::measurement_text(run, style_of(STDOUT_FILENO, globals));
    return print(text);
}

std::vector<double> values_of(const std::vector<Measurement>& runs, std::string_view name)
{
    std::vector<double> values;
    for (const Measurement& run : runs)
        if (const auto value = metric(run, name)) values.push_back(*value);
    return values;
}

struct Compared {
    std::vector<Verdict> verdicts;
    std::vector<std::string> principal;
};

Compared compared(const std::vector<Measurement>& then, const std::vector<Measurement>& now)
{
    Compared result;
    for (const Metric& one : metrics(then.front())) {
        const measure::Yardstick yardstick{std::string(one.name), one.better, one.scale, one.margin};
        result.verdicts.push_back(measure::judge(yardstick, values_of(then, one.name), values_of(now, one.name)));
        if (one.principal) result.principal.emplace_back(one.name);
    }
    return result;
}

std::string list_text(std::string_view title, const std::vector<std::string>& items, const report::Style& style)
{
    std::string text;
    for (const std::string& item : items)
        text += report::hanging(text.empty() ? fmt::format("{}", title) : "", report::printable(item), 10, style);
    return text;
}

Result<void> compare(const BaselineFlags& flags, const Globals& globals)
{
    kernel::Kernel kernel = TRY(open_kernel(globals));
    auto store = TRY(BaselineStore::open(globals.state_dir));
    const Baseline baseline = TRY(store.load(flags.name));
    const HostState now = TRY(host_state(kernel));
    const std::string& host = flags.host.empty() ? baseline.host : flags.host;
    const auto runs = TRY(measure_often(flags, host, baseline.runs.front().traffic, baseline.runs.size()));
    const Compared result = compared(baseline.runs, runs);
    if (flags.json) return print(verdicts_json(result.verdicts) + "\n");
    const report::Style style = style_of(STDOUT_FILENO, globals);
    auto stale = why_stale(baseline.state, now);
    if (host != baseline.host) stale.push_back("the server is another one");
    std::string text = list_text("stale", stale, style);
    if (!stale.empty()) text += "          differences below may come from that; save a new baseline\n";
    text += list_text("settings", changed_settings(baseline.state, now), style);
    text += verdict_table(result.verdicts, result.principal, style);
    return print(text + "* decides. 95 % intervals (Mann-Whitney, Hodges-Lehmann) of each metric by itself.\n");
}

int end(const Result<void>& result) { return result ? done : complain(result.error()); }

int save_typed(const BaselineFlags& flags, const Globals& globals)
{
    if (flags.repeat < least_repeats)
        return complain(fmt::format("--repeat {}: {} runs at least, or no difference could ever be shown", flags.repeat,
                                    least_repeats),
                        usage);
    const auto traffic = traffic_of(flags.workload, flags.traffic);
    if (!traffic) return complain(traffic.error(), usage);
    const auto sensible = settled(*traffic, TrafficLimits{});
    if (!sensible) return complain(sensible.error(), usage);
    return end(save(flags, *sensible, globals));
}

} // namespace

Action declare_baseline(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<BaselineFlags>();
    app.require_subcommand(1);
    CLI::App* const saving = app.add_subcommand("save", "measure, and keep results and the host's state under a name");
    saving->add_option("name", flags->name, "what to call it")->required();
    saving->add_option("workload", flags->workload, "as for netwright bench")->type_name("WORKLOAD")->required();
    saving->add_option("host", flags->host, "where `netwright bench server` runs (default: here)")->type_name("HOST");
    saving->add_option("--repeat", flags->repeat, "how often to measure")->capture_default_str();
    add_peer_flags(*saving, flags->peer);
    add_traffic_flags(*saving, flags->traffic, "5s");
    CLI::App* const listing = app.add_subcommand("list", "show what is kept");
    CLI::App* const showing = app.add_subcommand("show", "print a baseline's results");
    showing->add_option("name", flags->name, "which")->required();
    CLI::App* const comparing = app.add_subcommand(
        "compare", "measure again as then; tell what changed, in settings and beyond noise in results");
    comparing->add_option("name", flags->name, "which")->required();
    comparing->add_option("host", flags->host, "another server than then")->type_name("HOST");
    comparing->add_flag("--json", flags->json, "print the verdicts as JSON");
    add_peer_flags(*comparing, flags->peer);
    return [=, &globals] {
        if (saving->parsed()) return save_typed(*flags, globals);
        if (listing->parsed()) return end(list(globals));
        if (showing->parsed()) return end(show(*flags, globals));
        return end(compare(*flags, globals));
    };
}

} // namespace netwright::cli
