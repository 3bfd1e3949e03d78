// SPDX-License-Identifier: GPL-2.0-or-later
// netwright diagnose: what is wrong with the traffic now.
#include "diagnose/diagnose.h"

#include "cli/look.h"
#include "host/collect.h"
#include "host/since.h"
#include "report/diagnosis.h"
#include "trace/drops.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

namespace netwright::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct DiagnoseFlags {
    std::vector<std::string> symptoms, captures;
    double seconds = 5;
    bool json = false, watch = false, no_drop_tracing = false;
};

Result<std::vector<Symptom>> symptoms_of(const DiagnoseFlags& flags)
{
    std::vector<Symptom> symptoms;
    for (const std::string& word : flags.symptoms)
        symptoms.push_back(TRY(parse_symptom(word)));
    return symptoms;
}

Result<void> show(const Diagnosis& diagnosis, const DiagnoseFlags& flags, const Globals& globals)
{
    return print(flags.json ? report::diagnosis_json(diagnosis)
                            : report::diagnosis_text(diagnosis, style_of(STDOUT_FILENO, globals)));
}

Result<void> compare_captures(const DiagnoseFlags& flags, const std::vector<Symptom>& symptoms, const Globals& globals)
{
    LookFlags first, second;
    first.from = flags.captures[0];
    second.from = flags.captures[1];
    const Snapshot before = TRY(look(first, globals));
    Snapshot after = TRY(look(second, globals));
    const Snapshot now = TRY(host::since(before, std::move(after)));
    const Result<DropReport> none = fail(Error::Kind::Absent, "captures hold no drop reasons: look at the live host");
    return show(diagnose::diagnose({before, now, none}, symptoms), flags, globals);
}

// The host at one moment, and when that was.
struct Moment {
    Snapshot snapshot;
    Clock::time_point taken;
};

Moment look_now(kernel::Kernel& kernel)
{
    const auto taken = Clock::now();
    return {host::collect(kernel, {}), taken};
}

Result<trace::DropCounter> start_counting(const DiagnoseFlags& flags)
{
    if (flags.no_drop_tracing) return fail(Error::Kind::Absent, "drop reasons were not asked for (--no-drop-reasons)");
    return trace::DropCounter::start();
}

Result<DropReport> drops_so_far(Result<trace::DropCounter>& counter, const kernel::Files& files)
{
    if (!counter) return std::unexpected(counter.error());
    return counter->take(files);
}

// With --watch each look is compared with the one before, until somebody presses Ctrl-C.
Result<void> look_live(const DiagnoseFlags& flags, const std::vector<Symptom>& symptoms, const Globals& globals)
{
    kernel::Kernel kernel = TRY(open_kernel(globals));
    auto counter = start_counting(flags);
    const auto interval = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(flags.seconds));
    Moment before = look_now(kernel);
    do {
        std::this_thread::sleep_until(before.taken + interval);
        Moment now = look_now(kernel);
        const Result<DropReport> drops = drops_so_far(counter, kernel.files);
        host::grow_since(now.snapshot, before.snapshot,
                         std::chrono::round<std::chrono::milliseconds>(now.taken - before.taken));
        TRY_VOID(show(diagnose::diagnose({before.snapshot, now.snapshot, drops}, symptoms), flags, globals));
        before = std::move(now);
        if (flags.watch && !flags.json) TRY_VOID(print("\n"));
    } while (flags.watch);
    return {};
}

int run(const DiagnoseFlags& flags, const Globals& globals)
{
    const auto symptoms = symptoms_of(flags);
    if (!symptoms) return complain(symptoms.error(), usage);
    if (flags.watch && !flags.captures.empty()) return complain("--watch and --from do not go together", usage);
    const auto shown =
        flags.captures.empty() ? look_live(flags, *symptoms, globals) : compare_captures(flags, *symptoms, globals);
    return shown ? done : complain(shown.error());
}

} // namespace

Action declare_diagnose(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<DiagnoseFlags>();
    app.add_option("symptom", flags->symptoms, "drops, latency, throughput, refused, cpu, numa, resets; none: all")
        ->type_name("SYMPTOM");
    app.add_option("--seconds", flags->seconds, "how long to watch")
        ->type_name("N")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    app.add_flag("--watch", flags->watch, "go on, one answer after the other");
    app.add_flag("--json", flags->json, "for programs (docs/formats/diagnosis.md)");
    app.add_option("--from", flags->captures,
                   "compare two files of `netwright capture` instead of looking at this host")
        ->type_name("BEFORE AFTER")
        ->expected(2);
    app.add_flag("--no-drop-reasons", flags->no_drop_tracing, "load no BPF program; counters and sockets alone");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
