// SPDX-License-Identifier: GPL-2.0-or-later
// What a command is: a name, a sentence, and a function that declares its flags and gives back what to do.
#pragma once

#include "base/error.h"
#include "kernel/kernel.h"
#include "report/terminal.h"

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace netwright::cli {

// Exit codes, as docs/commands.md promises them.
enum Exit : int {
    done = 0,
    failed = 1, // it could not be done, or findings reach --fail-on
    usage = 2   // what was typed makes no sense
};

// Flags every command takes.
struct Globals {
    std::string netns; // work inside /run/netns/<name>
    std::filesystem::path state_dir = "/var/lib/netwright";
    std::string colour = "auto"; // auto, always, never
};

using Action = std::function<int()>;

struct Command {
    std::string_view name, summary;
    Action (*declare)(CLI::App& app, const Globals& globals); // one function a file
};
std::span<const Command> commands();

// One line on stderr: "netwright: <what>", with nothing in it that a terminal would obey. Gives the exit code back, so
// that a command can end with it.
int complain(const Error& error, Exit code = failed);
int complain(std::string_view what, Exit code);

// A flag's value that was parsed. What does not parse was typed on the command line, so it is the caller who must
// change it: Rejected, which ends with 2, and names the flag.
template <class T>
Result<T> typed(std::string_view flag, Result<T> parsed)
{
    if (parsed) return parsed;
    return fail(Error::Kind::Rejected, std::string(flag) + ": " + parsed.error().what);
}

// For CLI11's check(): nothing where the text is as it should be, else what is wrong with it. CLI11 itself would take
// -1 for 2^64-1, and "nan" for a number between any two others.
std::string whole_number(const std::string& text);
std::function<std::string(const std::string&)> number_between(double least, double most);

// Colour and width of a stream: colour on a terminal unless NO_COLOR is set; 80 columns when it is none.
report::Style style_of(int descriptor, const Globals& globals);

// The live system; inside --netns when one is named, which the calling thread enters for good.
Result<kernel::Kernel> open_kernel(const Globals& globals);

// A whole file a person named, "-" for stdin; at most `most` bytes. Errors name the file.
Result<std::string> read_file(const std::string& path, std::size_t most);
// Written beside, synced and renamed: the old file or the new one, never half of it. "-" writes to stdout.
Result<void> write_file(const std::string& path, std::string_view text);
// Puts the whole text on stdout. Interrupted or Refused where it cannot (a full disk behind a redirection).
Result<void> print(std::string_view text);

Action declare_capture(CLI::App& app, const Globals& globals);
Action declare_audit(CLI::App& app, const Globals& globals);
Action declare_rules(CLI::App& app, const Globals& globals);
Action declare_plan(CLI::App& app, const Globals& globals);
Action declare_apply(CLI::App& app, const Globals& globals);
Action declare_confirm(CLI::App& app, const Globals& globals);
Action declare_rollback(CLI::App& app, const Globals& globals);
Action declare_recover(CLI::App& app, const Globals& globals);
Action declare_restore(CLI::App& app, const Globals& globals);
Action declare_status(CLI::App& app, const Globals& globals);
Action declare_history(CLI::App& app, const Globals& globals);
Action declare_drift(CLI::App& app, const Globals& globals);
Action declare_get(CLI::App& app, const Globals& globals);
Action declare_set(CLI::App& app, const Globals& globals);
Action declare_list(CLI::App& app, const Globals& globals);
Action declare_diagnose(CLI::App& app, const Globals& globals);
Action declare_bench(CLI::App& app, const Globals& globals);
Action declare_baseline(CLI::App& app, const Globals& globals);
Action declare_lab(CLI::App& app, const Globals& globals);
Action declare_experiment(CLI::App& app, const Globals& globals);
Action declare_autotune(CLI::App& app, const Globals& globals);
Action declare_mptcp(CLI::App& app, const Globals& globals);
Action declare_multihome(CLI::App& app, const Globals& globals);
Action declare_lint(CLI::App& app, const Globals& globals);
Action declare_bypass(CLI::App& app, const Globals& globals);
Action declare_explain(CLI::App& app, const Globals& globals);
Action declare_filter(CLI::App& app, const Globals& globals);
Action declare_lb(CLI::App& app, const Globals& globals);
Action declare_steer(CLI::App& app, const Globals& globals);
Action declare_socket(CLI::App& app, const Globals& globals);
Action declare_paths(CLI::App& app, const Globals& globals);

} // namespace netwright::cli
