// SPDX-License-Identifier: GPL-2.0-or-later
// netwright: looks at a host's network stack, explains, plans, applies as a transaction, and puts back.
#include "base/text.h"
#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
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

// A flag that was given an empty value: `--netns "$NAME"` with NAME unset must not come to mean the host. Positional
// words may be empty: `set KEY ""` empties a list of ports.
std::string empty_flag(const CLI::App& app)
{
    for (const CLI::Option* const option : app.get_options())
        if (option->nonpositional() && std::ranges::any_of(option->results(), &std::string::empty))
            return option->get_name();
    for (const CLI::App* const chosen : app.get_subcommands())
        if (std::string name = empty_flag(*chosen); !name.empty()) return name;
    return {};
}

// The first word that is neither a flag nor a flag's value: the command's name. Empty: there is none.
std::string_view command_word(int argc, char** argv)
{
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const bool takes_value = word == "--netns" || word == "--state-dir" || word == "--color";
        if (takes_value) ++i;
        if (!word.starts_with('-')) return word;
    }
    return {};
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

    const std::string_view word = command_word(argc, argv);
    cli::Action action;
    for (const cli::Command& command : cli::commands()) {
        CLI::App* const sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
        if (command.name == word) action = command.declare(*sub, globals); // the others' options cost time and memory
    }
    if (!word.empty() && !action) {
        const auto nearest = std::ranges::min_element(
            cli::commands(), {}, [&](const cli::Command& command) { return edit_distance(command.name, word); });
        return cli::complain(
            fmt::format("no command '{}': did you mean {}? (all of them: netwright --help)", word, nearest->name),
            cli::usage);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return leave(app, problem);
    }
    if (const std::string flag = empty_flag(app); !flag.empty())
        return cli::complain(fmt::format("{} was given an empty value: leave it out, or say what it should be", flag),
                             cli::usage);
    return action ? action() : cli::usage;
}
