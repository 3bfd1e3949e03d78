// SPDX-License-Identifier: GPL-2.0-or-later
// Labs that live for one run.
#include "outcome/trial.h"

#include "advise/infer.h"
#include "advise/rule.h"
#include "cli/lab_flags.h"
#include "host/collect.h"
#include "plan/make_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "outcome/burst.h"

namespace netwright::outcome {
namespace {

// Lets the error out that a run may end with when nothing comes through, rather than when the bench is at fault.
bool is_silence(const Error& error)
{
    return error.kind == Error::Kind::Interrupted && error.what.starts_with("nothing came through");
}

constexpr std::string_view congestion_key = "sysctl/net.ipv4.tcp_congestion_control";

Result<Metric> work(const Scenario& scenario, const cli::LabBench& bench, const std::string& congestion)
{
    if (scenario.burst) {
        const double answered = TRY(answered_p99(bench.lab(), *scenario.burst));
        return Metric{burst_metric, "us", Direction::Lower, Scale::Ratio, 0.05, true, answered};
    }
    Traffic traffic = scenario.traffic;
    traffic.congestion = congestion;
    const Measurement measured = TRY(bench.measure(traffic));
    const auto all = metrics(measured);
    const auto found = std::ranges::find(all, std::string_view(scenario.metric), &Metric::name);
    if (found == all.end()) return fail(Error::Kind::Absent, scenario.metric + ": this traffic did not tell it");
    return *found;
}

// The algorithm to ask for by socket option: "" where both were set as they should be.
std::string by_socket(const std::vector<std::string>& refused, const Configuration& defaults,
                      const Configuration& configuration)
{
    if (std::ranges::find(refused, congestion_key) == refused.end()) return "";
    const std::string own = congestion_of(configuration);
    return own.empty() ? congestion_of(defaults) : own;
}

// What the namespace would show if it could default to `congestion`.
void pretend(Snapshot& host, const std::string& congestion)
{
    if (congestion.empty()) return;
    std::vector<SysctlValue> values = host.sysctls.all();
    for (SysctlValue& value : values)
        if (value.key == "net.ipv4.tcp_congestion_control") value.value = congestion;
    host.sysctls = SysctlTable(std::move(values));
}

// When a look at the host shows what the scenario is about: the connections of a burst are there, traffic has warmed
// up.
std::chrono::milliseconds until_typical(const Scenario& scenario)
{
    using namespace std::chrono_literals;
    return scenario.burst ? 1500ms : std::max(1500ms, scenario.traffic.warm_up.value_or(1000ms) + 500ms);
}

std::vector<Change> planned_at(const std::string& space, const Intent& given, const std::string& congestion,
                               Result<void>& outcome)
{
    std::vector<Change> changes;
    const auto seen = cli::in_namespace(space, [&](kernel::Kernel& kernel) -> Result<void> {
        Snapshot host = host::collect(kernel, {.interval = std::chrono::milliseconds(500)});
        pretend(host, congestion);
        const Intent intent = advise::infer(host, given);
        changes = plan::make_plan(advise::judge(host, intent), host, intent).changes;
        return {};
    });
    if (!seen) outcome = seen;
    std::erase_if(changes, [](const Change& change) { return !belongs_to_namespace(change.tunable); });
    return changes;
}

} // namespace

std::string disturbance(const lab::EmulatorReport& emulator, Nanoseconds late)
{
    if (emulator.own_losses > 0) return fmt::format("the emulator lost {} packets by itself", emulator.own_losses);
    const double lateness_ms = static_cast<double>(emulator.lateness_p99_ns) / 1e6;
    if (emulator.lateness_p99_ns > static_cast<std::uint64_t>(late.count()))
        return fmt::format("the emulator was late by {:.1f} ms at p99", lateness_ms);
    return "";
}

Result<Trial> run_trial(const Scenario& scenario, const Configuration& defaults, const Configuration& configuration)
{
    cli::LabBench bench = TRY(cli::LabBench::start(scenario.path));
    auto refused = TRY(apply(defaults, bench.lab()));
    Trial trial;
    trial.left_out = TRY(apply(configuration, bench.lab()));
    // What the defaults could not set matters only where the configuration does not set it itself.
    if (!congestion_of(configuration).empty()) refused = trial.left_out;
    trial.congestion = by_socket(refused, defaults, configuration);
    std::erase(trial.left_out, congestion_key);
    const auto metric = work(scenario, bench, trial.congestion);
    if (!metric && !(scenario.may_be_stuck && is_silence(metric.error()))) return std::unexpected(metric.error());
    if (metric) {
        trial.metric = *metric;
        trial.value = metric->value;
    }
    const lab::EmulatorReport emulator = TRY(bench.finish());
    trial.disturbed = disturbance(emulator, scenario.late);
    return trial;
}

Result<Configuration> plan_for(const Scenario& scenario, const Configuration& defaults)
{
    cli::LabBench bench = TRY(cli::LabBench::start(scenario.path));
    const auto refused = TRY(apply(defaults, bench.lab()));
    const std::string congestion = by_socket(refused, defaults, defaults);
    Configuration plan{"netwright", {}, {}};
    Result<void> outcome;
    std::thread working(
        [&] { (void)work(scenario, bench, congestion); }); // what it comes to is not asked: it is there to be seen
    std::this_thread::sleep_for(until_typical(scenario));
    plan.left = planned_at(bench.lab().left(), scenario.intent, congestion, outcome);
    plan.right = planned_at(bench.lab().right(), scenario.intent, congestion, outcome);
    working.join();
    if (!outcome) return std::unexpected(outcome.error());
    return plan;
}

} // namespace netwright::outcome
