// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lab: two namespaces with an emulated path between them, where a plan can be rehearsed.
#include "base/text.h"
#include "cli/lab_flags.h"
#include "lab/probe.h"
#include "model/measurement_json.h"
#include "model/plan_yaml.h"
#include "report/measurement_report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

namespace netwright::cli {
namespace {

constexpr std::size_t largest_plan = 4U << 20;

struct LabFlags {
    std::string name = "lab", workload, plan;
    PathFlags path;
    TrafficFlags traffic;
    bool json = false;
};

int go_up(const LabFlags& flags)
{
    const auto path = path_of(flags.path);
    if (!path) return complain(path.error(), flags.path.file.empty() ? usage : failed);
    const auto lab = lab::up(flags.name, *path, lab::Life::UntilDown);
    if (!lab) return complain(lab.error());
    const auto printed = print(fmt::format("lab {} is up: {}\n"
                                           "  left   {} {}  namespace {}\n  right  {} {}  namespace {}\n"
                                           "try: ip netns exec {} ping {}; end with: netwright lab down {}\n",
                                           lab->name, lab->path, lab::left_address, lab::left_address_six, lab->left(),
                                           lab::right_address, lab::right_address_six, lab->right(), lab->left(),
                                           lab::right_address, lab->name));
    return printed ? done : complain(printed.error());
}

std::string emulator_text(const lab::EmulatorReport& report)
{
    const auto us = [](std::uint64_t ns) { return report::metric_text("us", static_cast<double>(ns) / 1e3); };
    return fmt::format("emulator: {} packets passed, {} lost and {} over the buffer as asked, {} vanished; "
                       "late by p50 {}, p99 {}, at most {}; {} packets lost by itself\n",
                       report.passed, report.lost, report.overflowed, report.vanished, us(report.lateness_p50_ns),
                       us(report.lateness_p99_ns), us(report.lateness_most_ns), report.own_losses);
}

int go_down(const LabFlags& flags)
{
    const auto report = lab::down(flags.name);
    if (!report && report.error().kind == Error::Kind::Absent) return complain(report.error());
    const std::string text = report ? emulator_text(*report) : "its keeper was gone: what it left is removed\n";
    const auto printed = print(fmt::format("lab {} is down\n{}", flags.name, text));
    return printed ? done : complain(printed.error());
}

int show_list()
{
    std::string text;
    for (const std::string& name : lab::remove_orphans())
        text += fmt::format("{}: its keeper was gone: removed\n", name);
    for (const lab::Lab& lab : lab::list())
        text += fmt::format("{}  {}  {} {}\n", lab.name, lab.path, lab.left(), lab.right());
    const auto printed = print(text.empty() ? "no lab is up\n" : text);
    return printed ? done : complain(printed.error());
}

// The plan's changes inside the lab; says what of it a lab cannot show.
Result<std::string> rehearse(const LabBench& bench, const std::string& file)
{
    if (file.empty()) return std::string();
    const std::string written = TRY(read_file(file, largest_plan));
    const Plan plan = TRY(plan_from_yaml(written, file));
    const Rehearsal rehearsal = TRY(Rehearsal::of(bench.lab(), plan.changes));
    TRY_VOID(rehearsal.apply());
    std::string text =
        fmt::format("{} of {} changes applied at both ends\n", rehearsal.rehearsed(), plan.changes.size());
    for (const std::string& tunable : rehearsal.left_out())
        text += fmt::format("not rehearsed: {} (not a setting of a network namespace here)\n", tunable);
    return text;
}

Result<int> rehearsal_run(const LabFlags& flags, const Traffic& traffic, const lab::PathSettings& path,
                          const Globals& globals)
{
    LabBench bench = TRY(LabBench::start(path, flags.path.over()));
    const std::string said = TRY(rehearse(bench, flags.plan));
    const Measurement measured = TRY(bench.measure(traffic));
    const lab::EmulatorReport emulator = TRY(bench.finish());
    if (flags.json) {
        TRY_VOID(print(to_json(measured) + "\n"));
        return done;
    }
    TRY_VOID(print(fmt::format("path: {}\n{}", lab::to_text(path), said)));
    TRY_VOID(print(report::measurement_text(measured, style_of(STDOUT_FILENO, globals))));
    TRY_VOID(print(emulator_text(emulator)));
    return done;
}

int run_in_lab(const LabFlags& flags, const Globals& globals)
{
    const auto traffic = traffic_of(flags.workload, flags.traffic);
    if (!traffic) return complain(traffic.error(), usage);
    const auto path = path_of(flags.path);
    if (!path) return complain(path.error(), flags.path.file.empty() ? usage : failed);
    const auto result = rehearsal_run(flags, *traffic, *path, globals);
    return result ? *result : complain(result.error());
}

// What came out of the path at the right end so far, as its device counts it.
struct Arrived {
    std::uint64_t bytes = 0, packets = 0; // IP packets, joined by offload
    std::chrono::steady_clock::time_point at{};
};

Result<Arrived> arrived(const LabBench& bench)
{
    Arrived seen;
    const auto look = [&](kernel::Kernel& kernel) -> Result<void> {
        const std::string directory = "sys/class/net/path0/statistics/";
        const std::string bytes = TRY(kernel.files.read_line(directory + "rx_bytes"));
        const std::string packets = TRY(kernel.files.read_line(directory + "rx_packets"));
        seen.at = std::chrono::steady_clock::now();
        seen.bytes = TRY(parse_unsigned(bytes));
        seen.packets = TRY(parse_unsigned(packets));
        return {};
    };
    TRY_VOID(in_namespace(bench.lab().right(), look));
    return seen;
}

// With so many flows that none needs more than a mebibyte of buffer.
Traffic filling(const lab::PathSettings& path)
{
    const Bytes in_flight = bandwidth_delay_product(lab::bottleneck(path), lab::round_trip(path));
    Traffic bulk;
    bulk.kind = TrafficKind::TcpStream;
    bulk.flows = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(2 * in_flight.count >> 20, 4, 64));
    bulk.threads = 1;
    bulk.congestion = "cubic"; // fills the buffer, and so the line
    bulk.duration = std::chrono::seconds(7);
    bulk.warm_up = std::chrono::seconds(4) + std::chrono::ceil<std::chrono::milliseconds>(15 * lab::round_trip(path));
    return bulk;
}

// What the device counted between two moments while TCP filled the path, as bit/s on the wire. What a program has read
// by then would say more of the program.
Result<double> rate_on_the_wire(const LabBench& bench, const lab::PathSettings& path)
{
    constexpr double headers = 52; // IP and TCP with timestamps: once a joined packet, but once a segment on the wire
    const double payload = path.mtu - headers, wire = path.mtu + 38.0; // Ethernet's preamble, header, checksum, gap
    const Traffic bulk = filling(path);
    Result<Measurement> carried = fail(Error::Kind::Interrupted, "no traffic");
    std::thread traffic([&] { carried = bench.measure(bulk); });
    std::this_thread::sleep_for(*bulk.warm_up + std::chrono::milliseconds(1500));
    const auto before = arrived(bench);
    std::this_thread::sleep_for(std::chrono::seconds(4));
    const auto after = arrived(bench);
    traffic.join();
    if (!carried) return std::unexpected(carried.error());
    if (!before) return std::unexpected(before.error());
    if (!after) return std::unexpected(after.error());
    const double bytes = static_cast<double>(after->bytes - before->bytes) -
                         headers * static_cast<double>(after->packets - before->packets);
    return 8 * bytes * wire / payload / std::chrono::duration<double>(after->at - before->at).count();
}

Result<std::string> calibrate_rate(const LabBench& bench, const lab::PathSettings& path)
{
    const auto rate = static_cast<double>(lab::bottleneck(path).bits_per_second);
    const bool lossy = std::ranges::any_of(path.hops, [](const lab::Hop& hop) { return hop.there.loss > 0; });
    if (rate == 0) return std::string("rate    no limit was asked for\n");
    if (lossy) return std::string("rate    not measured: losses keep TCP from filling the path\n");
    const double line = TRY(rate_on_the_wire(bench, path));
    return fmt::format("rate    {} of {} on the wire: {:+.2f} % ({})\n", report::metric_text("bit/s", line),
                       report::metric_text("bit/s", rate), 100 * (line / rate - 1),
                       report::counted(filling(path).flows, "flow"));
}

std::string delay_text(std::string_view way, const lab::ProbeResult& seen, Nanoseconds asked)
{
    std::string text = fmt::format("delay   {}, {} asked for:", way, duration_text(asked));
    for (const auto& [name, share] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"at most", 1.0}}) {
        const auto off = static_cast<double>(seen.delay_ns.quantile(share)) - static_cast<double>(asked.count());
        text += fmt::format(" {} {:+.3f} ms", name, off / 1e6);
    }
    return text + fmt::format(" ({} of {} probes{})\n", seen.delay_ns.count(), seen.sent,
                              seen.disturbed == 0 ? "" : fmt::format(", {} left out", seen.disturbed));
}

// The kernel's stamps, so that programs that wake up late on a busy host are not taken for a late path.
Result<std::string> calibrate_delay(const LabBench& bench, const lab::PathSettings& path)
{
    constexpr std::size_t probes = 2000;
    constexpr std::chrono::microseconds spacing(1500);
    const auto patience =
        std::chrono::seconds(1) + std::chrono::ceil<std::chrono::milliseconds>(2 * lab::round_trip(path));
    const auto there = TRY(lab::probe(bench.lab(), lab::Heading::There, probes, spacing, patience));
    const auto back = TRY(lab::probe(bench.lab(), lab::Heading::Back, probes, spacing, patience));
    return delay_text("there", there, lab::delay_of(path, &lab::Hop::there)) +
           delay_text("back", back, lab::delay_of(path, &lab::Hop::back));
}

Result<int> calibrated(const lab::PathSettings& path)
{
    LabBench bench = TRY(LabBench::start(path));
    TRY_VOID(print(fmt::format("path    {}\n", lab::to_text(path))));
    const std::string delay = TRY(calibrate_delay(bench, path));
    TRY_VOID(print(delay));
    const std::string rate = TRY(calibrate_rate(bench, path));
    TRY_VOID(print(rate));
    const lab::EmulatorReport emulator = TRY(bench.finish());
    TRY_VOID(print(emulator_text(emulator)));
    return done;
}

int calibrate(const LabFlags& flags)
{
    const auto path = path_of(flags.path);
    if (!path) return complain(path.error(), flags.path.file.empty() ? usage : failed);
    const auto result = calibrated(*path);
    return result ? *result : complain(result.error());
}

} // namespace

Action declare_lab(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<LabFlags>();
    app.require_subcommand(1);
    CLI::App* const up = app.add_subcommand("up", "make a lab that stays until it is taken down");
    up->add_option("name", flags->name, "what to call it")->capture_default_str();
    add_path_flags(*up, flags->path);
    CLI::App* const down = app.add_subcommand("down", "take a lab down");
    down->add_option("name", flags->name, "which")->capture_default_str();
    CLI::App* const list = app.add_subcommand("list", "show labs, and remove what a killed one left");
    CLI::App* const run = app.add_subcommand("run", "measure a workload in a lab of its own, with a plan or without");
    run->add_option("workload", flags->workload, "as for netwright bench")->type_name("WORKLOAD")->required();
    run->add_option("--plan", flags->plan, "apply this plan's namespace settings at both ends first")
        ->type_name("FILE");
    run->add_flag("--json", flags->json, "print the measurement as JSON");
    add_path_flags(*run, flags->path);
    add_traffic_flags(*run, flags->traffic, "10s", "--traffic-rate");
    CLI::App* const tune =
        app.add_subcommand("calibrate", "measure how well the emulator keeps a path's rate and delay");
    add_path_flags(*tune, flags->path);
    return [=, &globals] {
        if (up->parsed()) return go_up(*flags);
        if (down->parsed()) return go_down(*flags);
        if (list->parsed()) return show_list();
        if (run->parsed()) return run_in_lab(*flags, globals);
        return calibrate(*flags);
    };
}

} // namespace netwright::cli
