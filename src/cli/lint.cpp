// SPDX-License-Identifier: GPL-2.0-or-later
// netwright lint: what is wrong with sysctl files.
#include "cli/lint_inputs.h"
#include "lint/fix.h"
#include "report/lint_report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

namespace netwright::cli {
namespace {

struct LintFlags {
    std::vector<std::string> paths;
    std::string kernel, workload, fail_on = "warning", format = "text", root;
    bool system = false, fix = false, yes = false, json = false, rules = false;
};

Result<kernel::Kernel> open_root(const LintFlags& flags, const Globals& globals)
{
    return flags.root.empty() ? open_kernel(globals) : kernel::Kernel::captured(flags.root);
}

// A file may be meant for another host: only --system looks at this one's interfaces, memory and keys.
Result<lint::Target> target_of(const LintFlags& flags, const kernel::Kernel& kernel)
{
    lint::Target target;
    if (!flags.workload.empty()) target.workload = TRY(parse_workload(flags.workload));
    const Workload workload = target.workload;
    if (flags.system || flags.kernel.empty()) {
        auto host = TRY(this_host(kernel));
        if (flags.system)
            target = std::move(host);
        else
            target.kernel = host.kernel;
        target.workload = workload;
    }
    if (flags.kernel.empty()) return target;
    target.kernel = TRY(KernelVersion::parse(flags.kernel));
    target.keys.reset(); // those of another kernel are not known
    target.hz.reset();
    return target;
}

std::string judged_for(const LintFlags& flags, const lint::Target& target)
{
    std::string text = "Linux " + to_text(target.kernel);
    if (flags.kernel.empty()) text += " (this host's)";
    if (target.workload != Workload::General) text += fmt::format(", {}", to_text(target.workload));
    return text;
}

Result<std::vector<SourceText>> sources_of(const LintFlags& flags, const kernel::Kernel& kernel)
{
    std::vector<SourceText> sources;
    if (flags.system) sources = TRY(system_lint_sources(kernel));
    auto named = TRY(lint_sources(flags.paths));
    std::ranges::move(named, std::back_inserter(sources));
    return sources;
}

std::string shown(const report::LintView& view, const LintFlags& flags, const Globals& globals)
{
    if (flags.json || flags.format == "json") return report::lint_json(view);
    if (flags.format == "sarif") return report::lint_sarif(view);
    return report::lint_text(view, style_of(STDOUT_FILENO, globals));
}

bool agreed()
{
    fmt::print(stderr, "Write these changes? [y/N] ");
    std::string answer;
    return std::getline(std::cin, answer) && (answer == "y" || answer == "yes" || answer == "Y");
}

struct Rewriting {
    std::size_t index; // of the source
    lint::FixedText fixed;
};

// False: nobody was there to agree, or somebody did not.
Result<bool> write_all(const std::vector<SourceText>& sources, const std::vector<Rewriting>& changes,
                       const LintFlags& flags)
{
    std::string diffs;
    for (const Rewriting& change : changes)
        diffs += change.fixed.diff;
    TRY_VOID(print(changes.empty() ? "nothing to rewrite\n" : diffs));
    if (changes.empty()) return true;
    if (!flags.yes && ::isatty(STDIN_FILENO) != 1)
        return fail(Error::Kind::Refused, "nothing written: give --yes where nobody can be asked");
    if (!flags.yes && !agreed()) return false;
    for (const Rewriting& change : changes)
        TRY_VOID(write_file(sources[change.index].name, change.fixed.text));
    TRY_VOID(print(fmt::format("rewrote {}\n", report::counted(changes.size(), "file"))));
    return true;
}

bool reaches(const std::vector<Diagnostic>& found, const LintFlags& flags, Level threshold)
{
    return flags.fail_on != "never" &&
           std::ranges::any_of(found, [&](const Diagnostic& one) { return one.level >= threshold; });
}

// stdin is a filter: the fixed text goes to stdout. Files are shown as a diff, then written. What is left decides how
// it ends.
Result<int> fix(std::vector<SourceText> sources, const std::vector<Diagnostic>& found, const lint::Target& target,
                const LintFlags& flags, Level threshold)
{
    std::vector<Rewriting> changes;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        auto fixed = lint::fixed(sources[i], i, found);
        if (sources[i].name == "<stdin>") TRY_VOID(print(fixed.text));
        if (sources[i].name == "<stdin>")
            sources[i].text = std::move(fixed.text);
        else if (fixed.lines > 0)
            changes.push_back({i, std::move(fixed)});
    }
    const bool only_stdin = sources.size() == 1 && sources[0].name == "<stdin>";
    if (!only_stdin && !TRY(write_all(sources, changes, flags))) return failed;
    for (Rewriting& change : changes)
        sources[change.index].text = std::move(change.fixed.text);
    const auto left = lint::lint(sources, target);
    if (!reaches(left, flags, threshold)) return done;
    const auto count = static_cast<std::size_t>(
        std::ranges::count_if(left, [&](const Diagnostic& one) { return one.level >= threshold; }));
    complain(fmt::format("{} left that no rewriting mends (netwright lint tells)", report::counted(count, "finding")),
             failed);
    return failed;
}

int run(const LintFlags& flags, const Globals& globals)
{
    const auto rules = lint::rules();
    if (flags.rules) {
        const auto printed = print(report::lint_rules_text(rules, style_of(STDOUT_FILENO, globals)));
        return printed ? done : complain(printed.error());
    }
    if (flags.paths.empty() && !flags.system) return complain("name files, '-' for stdin, or --system", usage);
    if (flags.fix && !flags.root.empty()) return complain("--fix and --root do not go together", usage);
    if (flags.fix && (flags.json || flags.format != "text"))
        return complain("--fix shows a diff: it goes with no other format", usage);
    const Result<Level> threshold = flags.fail_on == "never" ? Level::Error : parse_level(flags.fail_on);
    if (!threshold) return complain(threshold.error(), usage);
    const auto kernel = open_root(flags, globals);
    if (!kernel) return complain(kernel.error());
    const auto target = target_of(flags, *kernel);
    if (!target) return complain(target.error(), flags.kernel.empty() && flags.workload.empty() ? failed : usage);
    const auto sources = sources_of(flags, *kernel);
    if (!sources) return complain(sources.error());

    const auto found = lint::lint(*sources, *target);
    const report::LintView view{*sources, found, rules, to_text(target->kernel), judged_for(flags, *target)};
    if (flags.fix) {
        const auto code = fix(*sources, found, *target, flags, *threshold);
        return code ? *code : complain(code.error());
    }
    if (const auto printed = print(shown(view, flags, globals)); !printed) return complain(printed.error());
    return reaches(found, flags, *threshold) ? failed : done;
}

} // namespace

Action declare_lint(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<LintFlags>();
    app.add_option("file", flags->paths, "sysctl files or directories of them; '-' for stdin")->type_name("FILE");
    app.add_flag("--system", flags->system, "what this host loads at boot, judged for this very host");
    app.add_option("--kernel", flags->kernel, "judge for this kernel instead of the running one")->type_name("VERSION");
    app.add_option("--workload", flags->workload, "what the hosts are for (see: netwright plan --workload help)")
        ->type_name("NAME");
    app.add_option("--format", flags->format, "text, json or sarif")
        ->check(CLI::IsMember({"text", "json", "sarif"}))
        ->capture_default_str();
    app.add_flag("--json", flags->json, "the same as --format json (docs/lint.md)");
    app.add_option("--fail-on", flags->fail_on, "exit with 1 on findings at or above: note, warning, error, never")
        ->type_name("LEVEL")
        ->capture_default_str();
    app.add_flag("--fix", flags->fix, "rewrite the files; shows the difference and asks");
    app.add_flag("--yes", flags->yes, "with --fix: do not ask");
    app.add_flag("--rules", flags->rules, "list the rules");
    app.add_option("--root", flags->root, "a captured host's files instead of this host's")->type_name("DIR");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
