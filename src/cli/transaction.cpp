// SPDX-License-Identifier: GPL-2.0-or-later
// From a plan to a kept or undone transaction, with a person in the loop.
#include "cli/transaction.h"

#include "apply/mtu_probe.h"
#include "apply/recover.h"
#include "apply/transaction.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/session.h"
#include "report/changes_text.h"
#include "report/plan_text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

namespace netwright::cli {
namespace {

using Mood = report::ChangeLine::Mood;

Mood mood_of(apply::Outcome outcome)
{
    switch (outcome) {
    case apply::Outcome::Set:
    case apply::Outcome::Restored:
    case apply::Outcome::AlreadyBack:
        return Mood::Good;
    case apply::Outcome::ChangedSince:
    case apply::Outcome::Gone:
        return Mood::Warning;
    case apply::Outcome::Failed:
        return Mood::Bad;
    }
    return Mood::Bad;
}

std::string text_of(const std::optional<Value>& value) { return value ? to_text(*value) : ""; }

report::ChangeLine line_of(const apply::StepReport& step)
{
    // What was put back reads from what we had set to what is there again.
    const bool forward = step.outcome == apply::Outcome::Set;
    std::string outcome(to_text(step.outcome));
    if (!step.note.empty()) outcome += ": " + step.note;
    return {to_text(step.tunable), text_of(forward ? step.from : step.to), text_of(forward ? step.to : step.from),
            std::move(outcome), mood_of(step.outcome)};
}

bool is_terminal() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1; }

// A line from the terminal within `patience`; nothing when the time is over or the terminal is gone.
std::optional<std::string> answer_within(std::chrono::milliseconds patience)
{
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(patience.count()));
    if (ready <= 0) return std::nullopt;
    char buffer[256];
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got <= 0) return std::nullopt;
    return std::string(trim({buffer, static_cast<std::size_t>(got)}));
}

bool agreed(const ApplyFlags& flags, std::size_t changes)
{
    if (flags.yes) return true;
    fmt::print("\nApply {} change{}? [y/N] ", changes, changes == 1 ? "" : "s");
    std::fflush(stdout);
    const auto answer = answer_within(std::chrono::minutes{10});
    return answer && (*answer == "y" || *answer == "yes");
}

// A time that a flag gave, within bounds.
Result<std::chrono::milliseconds> time_of(std::string_view flag, const std::string& text, std::chrono::seconds least,
                                          std::chrono::seconds most)
{
    const auto time = TRY(typed(flag, parse_duration(text)));
    if (time >= least && time <= most) return std::chrono::duration_cast<std::chrono::milliseconds>(time);
    return fail(Error::Kind::Rejected,
                fmt::format("{} {}: between {} and {}", flag, text, duration_text(least), duration_text(most)));
}

Result<apply::ApplyOptions> options_of(const ApplyFlags& flags, const std::string& plan_text)
{
    using std::chrono::seconds;
    apply::ApplyOptions options;
    const auto within = TRY(time_of("--confirm-within", flags.confirm_within, seconds{5}, seconds{86400}));
    if (!flags.keep) options.confirm_within = std::chrono::duration_cast<seconds>(within);
    options.check_command = flags.check;
    options.check_timeout = TRY(time_of("--check-timeout", flags.check_timeout, seconds{1}, seconds{3600}));
    // Whoever confirms or undoes it later may stand in another directory.
    if (!flags.etc.empty()) options.etc_dir = std::filesystem::absolute(flags.etc).lexically_normal();
    options.plan_text = plan_text;
    return options;
}

// A larger MTU is only kept if somebody beyond is heard at the new size. What is there to be asked after the writes.
Result<void> prepare_probe(Plan& plan, kernel::Kernel& kernel, const ApplyFlags& flags, apply::ApplyOptions& options)
{
    options.verify = flags.verify;
    const auto raises = apply::mtu_raises(plan);
    if (raises.empty() || !kernel.files.is_live()) return {};
    if (flags.route_mtu) {
        auto held = TRY(apply::hold_routes(kernel, raises));
        plan.changes.insert(plan.changes.begin(), std::make_move_iterator(held.begin()),
                            std::make_move_iterator(held.end()));
    }
    if (flags.no_probe) return {};
    const auto witnesses =
        TRY(apply::hear_witnesses(kernel, raises, {.named = flags.probe, .neighbours_only = flags.route_mtu}));
    options.verify = [own = flags.verify, witnesses](kernel::Kernel& changed) -> Result<void> {
        if (own) TRY_VOID(own(changed));
        return apply::hear_again(witnesses);
    };
    return {};
}

int rehearse(const Plan& plan, kernel::Kernel& kernel, const report::Style& style)
{
    const auto receipt = apply::Transaction::rehearse(kernel, plan);
    if (!receipt) return complain(receipt.error());
    fmt::print("{}", report::plan_text(plan, style));
    fmt::print("\nDry run: every old value matches and every new one makes sense. Nothing was written.\n");
    return done;
}

int finish(const Result<apply::Receipt>& receipt, const report::Style& style)
{
    if (!receipt) return complain(receipt.error());
    const auto printed = print(receipt_text(*receipt, style));
    return printed ? done : complain(printed.error());
}

// On a terminal the same connection that applied it says yes: if it were cut, nobody could type, and the watchdog puts
// all back.
int wait_for_yes(apply::Transaction& change, std::chrono::seconds patience, const report::Style& style)
{
    fmt::print(
        "\nIt is applied, and undone in {} unless you keep it. Can you still work? Type yes to keep, no to undo: ",
        duration_text(patience));
    std::fflush(stdout);
    ::tcflush(STDIN_FILENO, TCIFLUSH); // what was typed before it was applied proves nothing
    const auto answer = answer_within(patience);
    fmt::print("\n");
    if (answer && (*answer == "yes" || *answer == "y")) return finish(change.keep(), style);
    if (!answer) fmt::print("No answer: putting everything back.\n");
    return finish(change.undo(), style) == done && answer ? done : failed;
}

} // namespace

void add_apply_flags(CLI::App& app, ApplyFlags& flags)
{
    app.add_option("--confirm-within", flags.confirm_within,
                   "put everything back unless it is confirmed within this time")
        ->type_name("TIME")
        ->capture_default_str();
    app.add_option("--check", flags.check,
                   "a shell command that must succeed after the last write, else everything is undone")
        ->type_name("COMMAND");
    app.add_option("--check-timeout", flags.check_timeout, "how long --check may take")
        ->type_name("TIME")
        ->capture_default_str();
    app.add_option("--etc-dir", flags.etc,
                   "whose sysctl.d/ makes it last (default: /etc; in other namespaces: nowhere)")
        ->type_name("DIR");
    app.add_flag("--yes", flags.yes, "do not ask before");
    app.add_flag("--keep", flags.keep, "confirm at once when every write and --check succeeded");
    app.add_flag("--dry-run", flags.dry_run, "check everything, write nothing");
    app.add_flag("--allow-interrupt", flags.allow_interrupt,
                 "also what could cut the ssh connection you are typing on; it is undone unless confirmed");
    app.add_option(
           "--probe", flags.probe,
           "before and after an MTU is raised: who must be heard (default: gateways and neighbours; repeatable)")
        ->type_name("ADDRESS");
    app.add_flag("--no-probe", flags.no_probe, "raise an MTU without asking anybody");
    app.add_flag("--route-mtu", flags.route_mtu,
                 "a raised MTU is for direct neighbours: routes through gateways keep theirs");
}

std::string receipt_text(const apply::Receipt& receipt, const report::Style& style)
{
    std::vector<report::ChangeLine> lines;
    for (const auto& step : receipt.steps)
        lines.push_back(line_of(step));
    std::string text = report::changes_text(lines, style);
    for (const std::string& warning : receipt.warnings)
        text += fmt::format("warning: {}\n", warning);
    text += fmt::format("Transaction {}{} is {}.", receipt.transaction,
                        receipt.network_namespace.empty() ? "" : " in " + receipt.network_namespace,
                        to_text(receipt.state));
    if (!receipt.deadline_at.empty())
        text += fmt::format(" It is undone at {} unless you run: netwright confirm", receipt.deadline_at);
    return text + "\n";
}

int run_plan(const Plan& reviewed, const std::string& plan_text, kernel::Kernel& kernel, const ApplyFlags& flags,
             const Globals& globals)
{
    const report::Style style = style_of(STDOUT_FILENO, globals);
    if (reviewed.changes.empty()) {
        fmt::print("Nothing to change.\n");
        return done;
    }
    auto options = options_of(flags, plan_text);
    if (!options) return complain(options.error(), usage);
    Plan plan = reviewed;
    if (auto prepared = prepare_probe(plan, kernel, flags, *options); !prepared) return complain(prepared.error());
    if (flags.dry_run) return rehearse(plan, kernel, style);
    const auto session = globals.netns.empty() ? session_here(kernel) : std::nullopt;
    if (auto guarded = guard_session(plan, session, flags.allow_interrupt, !flags.keep); !guarded)
        return complain(guarded.error());
    if (!flags.yes && !is_terminal())
        return complain("there is no terminal to ask on: review the plan, then add --yes", usage);
    if (!flags.yes) fmt::print("{}", report::plan_text(plan, style));
    if (!agreed(flags, plan.changes.size())) return complain("nothing was changed", failed);

    auto journal = apply::Journal::open(globals.state_dir, apply::Access::Write);
    if (!journal) return complain(journal.error());
    auto change = apply::Transaction::begin(kernel, *journal, plan, *options);
    if (!change) return complain(change.error());
    const auto receipt = change->apply();
    if (!receipt) return complain(receipt.error());
    if (flags.keep) return finish(change->keep(), style);
    if (const int code = finish(receipt, style); code != done)
        return code; // the destructor undoes what nobody could read
    if (is_terminal() && !flags.yes) return wait_for_yes(*change, *options->confirm_within, style);
    change->leave();
    return done;
}

} // namespace netwright::cli
