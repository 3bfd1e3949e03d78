// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lb run, which looks after the balancer in the foreground; lb status, which asks it.
#include "cli/lb_run.h"

#include "cli/pins.h"
#include "dataplane/lb_nat.h"
#include "dataplane/lb_supervisor.h"
#include "kernel/files.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

constexpr std::size_t config_limit = 1U << 20;

// Before the first thread, so that all of them leave these signals to the loop.
void block_signals()
{
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGHUP, SIGTERM, SIGINT})
        ::sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Result<void> run(const std::string& file, const Globals& globals)
{
    if (file == "-") return fail(Error::Kind::Rejected, "lb run reads its file again on SIGHUP: name one");
    block_signals();
    const auto directory = TRY(enter_pins(globals, "lb"));
    const auto tell = [](const std::string& text) { complain(text, done); };
    const auto read = [&]() -> Result<dp::LbConfig> {
        const std::string text = TRY(read_file(file, config_limit));
        auto config = TRY(dp::parse_lb_config(text, file));
        for (const std::string& doubt : dp::doubts(config))
            tell(doubt);
        if (const std::string doubt = port_doubt_here(config); !doubt.empty()) tell(doubt);
        return config;
    };
    std::error_code unknown; // a rollback may come from elsewhere
    const auto path = std::filesystem::absolute(file, unknown);
    return dp::LbSupervisor(directory, unknown ? file : path.string(), read, tell).run();
}

std::string status_text(const dp::LbStatus& status, const Globals& globals)
{
    std::string text = fmt::format("config  {}\n", report::printable(status.config));
    if (!status.trouble.empty()) text += fmt::format("trouble {}\n", report::printable(status.trouble));
    std::vector<std::vector<std::string>> vips{{"VIP", "healthy"}};
    for (const dp::LbVipStatus& row : status.vips)
        vips.push_back({row.vip, row.healthy ? "yes" : "no: every backend is down"});
    std::vector<std::vector<std::string>> rows{{"pool", "backend", "state", "weight", "for", "why"}};
    for (const dp::LbBackendStatus& row : status.backends)
        rows.push_back({report::printable(row.pool), row.backend, row.state, fmt::format("{} %", row.percent),
                        fmt::format("{:.0f} s", row.seconds), report::printable(row.why)});
    const report::Style style = style_of(STDOUT_FILENO, globals);
    return text + "\n" + report::table(vips, style) + "\n" + report::table(rows, style);
}

Result<void> show_status(bool json, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "lb"));
    const auto status = TRY(dp::ask_supervisor(directory));
    return print(json ? dp::to_json(status) : status_text(status, globals));
}

} // namespace

std::string port_doubt_here(const dp::LbConfig& config)
{
    const auto range = kernel::Files::live().read_line("proc/sys/net/ipv4/ip_local_port_range");
    return range ? dp::port_doubt(config, *range) : "";
}

std::function<Result<void>()> declare_lb_run(CLI::App& app, const Globals& globals)
{
    const auto file = std::make_shared<std::string>();
    app.add_option("config", *file, "YAML file (docs/formats/lb.md); SIGHUP reads it again")->required();
    return [file, &globals] { return run(*file, globals); };
}

std::function<Result<void>()> declare_lb_status(CLI::App& app, const Globals& globals)
{
    const auto json = std::make_shared<bool>(false);
    app.add_flag("--json", *json, "as JSON");
    return [json, &globals] { return show_status(*json, globals); };
}

} // namespace netwright::cli
