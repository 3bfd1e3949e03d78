// SPDX-License-Identifier: GPL-2.0-or-later
// netwright paths: which way packets should take through this host, measured.
#include "advise/ways.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/live_traffic.h"
#include "dataplane/ways_run.h"
#include "report/ways_report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct PathsFlags {
    std::string rate, duration = "1s", generator = "auto";
    std::vector<std::string> ways;
    unsigned runs = 5;
    bool drop = false, forward = false, json = false;
};

struct Wanted {
    std::vector<WayFigures> figures; // to be filled
    dp::WayLoad load;
    WaySetting setting;
};

std::vector<int> own_cpus()
{
    cpu_set_t set;
    std::vector<int> cpus;
    if (::sched_getaffinity(0, sizeof set, &set) == 0)
        for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &set)) cpus.push_back(static_cast<int>(cpu));
    return cpus.empty() ? std::vector<int>{0} : cpus;
}

Result<std::vector<WayFigures>> figures_of(const PathsFlags& flags)
{
    std::vector<Way> ways(all_ways.begin(), all_ways.end());
    if (!flags.ways.empty()) ways.clear();
    for (const std::string& word : flags.ways)
        ways.push_back(TRY(typed("--ways", parse_way(word))));
    std::vector<WayFigures> figures;
    for (const WayTask task : {WayTask::Drop, WayTask::Forward}) {
        const bool named = task == WayTask::Drop ? flags.drop : flags.forward;
        if (!named && flags.drop != flags.forward) continue;
        for (const Way way : ways)
            figures.push_back({way, task, "", {}});
    }
    return figures;
}

Result<bool> live_frames_of(const PathsFlags& flags)
{
    if (flags.generator == "socket") return false;
    const bool has = TRY(dp::has_live_frames());
    if (has || flags.generator == "auto") return has;
    return fail(Error::Kind::Unsupported, "this kernel cannot send live frames (Linux 5.18): --generator socket");
}

Result<Wanted> wanted_of(const PathsFlags& flags)
{
    using namespace std::chrono_literals;
    Wanted wanted;
    wanted.figures = TRY(figures_of(flags));
    wanted.load.duration = TRY(typed("--duration", parse_duration(flags.duration)));
    if (wanted.load.duration < 50ms || wanted.load.duration > 60s)
        return fail(Error::Kind::Rejected, fmt::format("--duration {}: between 50 ms and 60 s", flags.duration));
    if (!flags.rate.empty()) wanted.load.rate = TRY(typed("--rate", parse_packet_rate(flags.rate)));
    wanted.load.live_frames = TRY(live_frames_of(flags));
    wanted.setting.live_frames = wanted.load.live_frames;
    wanted.setting.duration = std::chrono::duration<double>(wanted.load.duration).count();
    wanted.setting.places = dp::way_places(own_cpus());
    wanted.setting.kernel = kernel::Files::live().read_line("proc/sys/kernel/osrelease").value_or("unknown");
    return wanted;
}

// A way that cannot be measured here says why; it is not tried again.
Result<void> measure(WayFigures& one, const Wanted& wanted)
{
    if (!one.absent.empty()) return {};
    auto run = dp::run_way(one.way, one.task, wanted.load, wanted.setting.places);
    if (run) {
        one.runs.push_back(*run);
        return {};
    }
    if (run.error().kind == Error::Kind::Refused || was_interrupted()) return std::unexpected(run.error());
    one.runs.clear();
    one.absent = run.error().what;
    return {};
}

// What changes with time meets every way alike: each round measures all of them, every other one backwards.
Result<void> measure_all(Wanted& wanted, unsigned rounds)
{
    const Interruption interruption;
    wanted.load.cancelled = &interruption.seen();
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    for (unsigned round = 0; round < rounds; ++round) {
        for (WayFigures& one : wanted.figures) {
            if (terminal)
                fmt::print(stderr, "\rround {} of {}: {}, {}\033[K", round + 1, rounds, to_text(one.way),
                           to_text(one.task));
            auto measured = measure(one, wanted);
            if (!measured && terminal) fmt::print(stderr, "\r\033[K");
            if (!measured) return measured;
        }
        std::ranges::reverse(wanted.figures);
    }
    if (terminal) fmt::print(stderr, "\r\033[K");
    if (rounds % 2 == 1) std::ranges::reverse(wanted.figures);
    return {};
}

report::WayRow row_of(const WayFigures& one, const std::vector<WayFigures>& all)
{
    const auto summary = advise::summarize(one);
    const auto stack = std::ranges::find_if(
        all, [&](const WayFigures& other) { return other.way == Way::Stack && other.task == one.task; });
    report::WayRow row{one, summary.rate, summary.lowest, summary.highest, summary.cpu, summary.lost, {}, {}};
    if (stack == all.end()) return row;
    row.rate_ratio = advise::ratio(one, *stack, advise::rate_of);
    row.cpu_ratio = advise::ratio(one, *stack, advise::cpu_of);
    return row;
}

report::WaysPage page_of(const Wanted& wanted)
{
    report::WaysPage page{wanted.setting, wanted.load.rate, {}, {}, {}};
    for (const WayFigures& one : wanted.figures) {
        page.rows.push_back(row_of(one, wanted.figures));
        const bool said = std::ranges::any_of(page.costs, [&](const auto& cost) { return cost.way == one.way; });
        if (!said) page.costs.push_back({one.way, advise::taken_away(one.way)});
        const bool chosen = std::ranges::any_of(page.choices, [&](const auto& made) { return made.task == one.task; });
        if (chosen || !page.wanted) continue;
        auto advice = advise::recommend_way(wanted.figures, one.task, *page.wanted);
        page.choices.push_back({one.task, advice.way, std::move(advice.reason)});
    }
    return page;
}

Result<void> compare(const PathsFlags& flags, const Globals& globals)
{
    auto wanted = TRY(wanted_of(flags));
    TRY_VOID(measure_all(wanted, flags.runs));
    const auto page = page_of(wanted);
    return print(flags.json ? report::ways_json(page) : report::ways_text(page, style_of(STDOUT_FILENO, globals)));
}

} // namespace

Action declare_paths(CLI::App& app, const Globals& globals)
{
    const auto flags = std::make_shared<PathsFlags>();
    app.add_option("--rate", flags->rate, "packets a second that must be kept up with, such as 2M or 500k")
        ->type_name("RATE");
    app.add_flag("--drop", flags->drop, "measure dropping (both unless one is named)");
    app.add_flag("--forward", flags->forward, "measure forwarding");
    app.add_option("--ways", flags->ways,
                   "stack, xdp, af-xdp-copy, af-xdp-zero-copy, dpdk-af-packet, dpdk-af-xdp (all)")
        ->delimiter(',');
    app.add_option("--duration", flags->duration, "of one run")->type_name("TIME")->capture_default_str();
    app.add_option("--runs", flags->runs, "of each way")->check(CLI::Range(1, 100))->capture_default_str();
    app.add_option("--generator", flags->generator, "live (Linux 5.18), socket, or auto")
        ->check(CLI::IsMember({"auto", "live", "socket"}))
        ->capture_default_str();
    app.add_flag("--json", flags->json, "as JSON (docs/formats/paths.md)");
    return [flags, &globals] {
        const auto done_well = compare(*flags, globals);
        if (done_well) return static_cast<int>(done);
        return complain(done_well.error(), done_well.error().kind == Error::Kind::Rejected ? usage : failed);
    };
}

} // namespace netwright::cli
