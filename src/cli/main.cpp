// SPDX-License-Identifier: GPL-2.0-or-later
// netwright: looks at a host's network stack, explains, plans, applies as a transaction, and puts back.
#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>

namespace {

using namespace netwright;

// --help and --version leave through CLI11's exceptions as well; everything else is a usage error in one line.
int leave(const CLI::App& app, const CLI::ParseError& problem)
{
    if (problem.get_exit_code() == 0) return app.exit(problem);
    std::string command = "netwright";
    for (const CLI::App* chosen : app.get_subcommands())
        command += " " + chosen->get_name();
    std::string what = problem.what();
    for (char& c : what)
        if (c == '\n') c = ' ';
    return cli::complain(fmt::format("{} (see: {} --help)", what, command), cli::usage);
}

} // namespace

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error from write(2), not the end of a transaction

    cli::Globals globals;
    CLI::App app{"Tunes a Linux host's network stack: look, explain, plan, apply, confirm or roll back.", "netwright"};
    app.set_version_flag("--version", "netwright " NETWRIGHT_VERSION);
    app.set_help_flag("-h,--help", "show this help");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--netns", globals.netns, "work inside this network namespace (see: ip netns list)")
        ->type_name("NAME");
    app.add_option("--state-dir", globals.state_dir, "where the journal lives")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--color", globals.colour, "when to colour")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->capture_default_str();

    std::vector<std::pair<CLI::App*, cli::Action>> actions;
    for (const cli::Command& command : cli::commands()) {
        CLI::App* const sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
        actions.emplace_back(sub, command.declare(*sub, globals));
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return leave(app, problem);
    }
    for (const auto& [sub, action] : actions)
        if (sub->parsed()) return action();
    return cli::usage;
}
