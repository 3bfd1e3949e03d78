// SPDX-License-Identifier: GPL-2.0-or-later
// netwright bench: test traffic between two hosts, and its server.
#include "cli/bench_flags.h"
#include "cli/live_traffic.h"
#include "measure/iperf3.h"
#include "model/measurement_json.h"
#include "report/measurement_report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>

namespace netwright::cli {
namespace {

struct BenchFlags {
    std::string workload, host, format = "text", html;
    TrafficFlags traffic;
    PeerFlags peer;
    bool json = false;
};

struct ServerFlags {
    measure::ServerOptions options;
    std::string token_file, most_duration;
    bool quiet = false;
};

std::string workloads()
{
    std::string text = "workloads:\n";
    for (const TrafficRow& row : traffic_rows())
        text += fmt::format("  {:<12}{}\n", row.name, row.summary);
    return text + "Start the other end with: netwright bench server. Without HOST both ends run here, over loopback.";
}

std::string shown(const Measurement& measurement, const BenchFlags& flags, const Globals& globals)
{
    if (flags.json || flags.format == "json") return to_json(measurement) + "\n";
    if (flags.format == "csv") return report::measurement_csv(measurement);
    return report::measurement_text(measurement, style_of(STDOUT_FILENO, globals));
}

int run_client(const BenchFlags& flags, const Globals& globals)
{
    const auto traffic = traffic_of(flags.workload, flags.traffic);
    if (!traffic) return complain(traffic.error(), usage);
    const auto sensible =
        flags.peer.iperf3 ? measure::settled_for_iperf3(*traffic) : settled(*traffic, TrafficLimits{});
    if (!sensible) return complain(sensible.error(), usage);
    const auto kernel = open_kernel(globals); // enters --netns
    if (!kernel) return complain(kernel.error());
    const auto measured = measure_traffic(flags.host, flags.peer, *traffic);
    if (!measured) return complain(measured.error());
    if (!flags.html.empty())
        if (const auto written = write_file(flags.html, report::measurement_html(*measured)); !written)
            return complain(written.error());
    if (const auto printed = print(shown(*measured, flags, globals)); !printed) return complain(printed.error());
    return done;
}

int run_server(const ServerFlags& flags, const Globals& globals)
{
    measure::ServerOptions options = flags.options;
    auto token = token_of(flags.token_file);
    if (!token) return complain(token.error());
    options.token = *std::move(token);
    const auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    if (!flags.quiet)
        options.log = [](const std::string& line) { fmt::print(stderr, "{}\n", report::printable(line)); };
    const std::string where = options.bind;
    auto server = measure::Server::open(std::move(options));
    if (!server) return complain(server.error(), server.error().kind == Error::Kind::Rejected ? usage : failed);
    if (const auto printed = print(fmt::format("listening at {} port {}\n", where, server->port())); !printed)
        return complain(printed.error());
    const Interruption interruption;
    const auto served = server->serve(interruption.seen());
    return served ? done : complain(served.error());
}

Action declare_server(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<ServerFlags>();
    measure::ServerOptions& options = flags->options;
    app.add_option("-b,--bind", options.bind, "address to listen at; other than loopback needs a token")
        ->capture_default_str();
    app.add_option("-p,--port", options.port, "port to listen at; 0: any, which is printed")->capture_default_str();
    app.add_option("--data-port", options.data_port, "first port of the test traffic, for firewalls (default: any)");
    app.add_option("--token-file", flags->token_file, "file whose first line is the secret clients must know")
        ->type_name("FILE");
    app.add_option("--max-flows", options.limits.flows, "most flows a client may ask for")->capture_default_str();
    app.add_option("--max-threads", options.limits.threads, "most threads a client may ask for")->capture_default_str();
    app.add_flag("--one-shot", options.one_shot, "end after one test");
    app.add_flag("-q,--quiet", flags->quiet, "no line for each visit");
    return [flags, &globals] { return run_server(*flags, globals); };
}

} // namespace

Action declare_bench(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<BenchFlags>();
    app.add_option("workload", flags->workload, "what to do (below)")->type_name("WORKLOAD");
    app.add_option("host", flags->host, "where `netwright bench server` runs (default: here)")->type_name("HOST");
    add_peer_flags(app, flags->peer);
    add_traffic_flags(app, flags->traffic, "10s");
    app.add_flag("--json", flags->json, "the same as --format json");
    app.add_option("--format", flags->format, "how to print")
        ->check(CLI::IsMember({"text", "json", "csv"}))
        ->capture_default_str();
    app.add_option("--html", flags->html, "write a page with the distributions drawn")->type_name("FILE");
    app.footer(workloads());
    CLI::App* const server = app.add_subcommand("server", "be the other end of tests");
    const Action serve = declare_server(*server, globals);
    return [flags, serve, server, &globals] {
        if (server->parsed()) return serve();
        if (flags->workload.empty()) return complain("bench needs a workload (see: netwright bench --help)", usage);
        return run_client(*flags, globals);
    };
}

} // namespace netwright::cli
