// SPDX-License-Identifier: GPL-2.0-or-later
// netwright completion: the script that makes a shell complete commands, flags, tunables and topics.
//
// The scripts know nothing themselves: they hand the words typed so far to `netwright completion --words -- …` and show
// what it prints. So a new command, flag or parameter is completed without a line here.
#include "advise/rule.h"
#include "base/text.h"
#include "catalog/names.h"
#include "cli/campaign.h"
#include "model/diagnosis.h"
#include "model/intent.h"
#include "tunable/tunable_kind.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

namespace netwright::cli {
namespace {

constexpr std::string_view bash_script =
    R"(# netwright's completion for bash: put this in /etc/bash_completion.d/netwright, or
#   source <(netwright completion bash)
_netwright() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" completion --words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _netwright netwright
)";

constexpr std::string_view zsh_script = R"(#compdef netwright
# netwright's completion for zsh: put this as _netwright in a directory of $fpath, or
#   source <(netwright completion zsh)
_netwright() {
    local -a found
    found=("${(@f)$("${words[1]}" completion --words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -a found
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == _netwright ]]; then
    _netwright "$@" # read from $fpath at the first Tab, which wants an answer
else
    compdef _netwright netwright
fi
)";

constexpr std::string_view fish_script =
    R"(# netwright's completion for fish: put this in ~/.config/fish/completions/netwright.fish, or
#   netwright completion fish | source
function __netwright_words
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    test -n "$current"; or set current ''
    $typed[1] completion --words -- $typed[2..-1] $current 2>/dev/null
end
complete -c netwright -a '(__netwright_words)'
)";

struct Shell {
    std::string_view name, script;
};
constexpr std::array shells{Shell{"bash", bash_script}, Shell{"zsh", zsh_script}, Shell{"fish", fish_script}};

using Words = std::vector<std::string>;

// --- what can stand where ---

Words topic_words(const Globals&)
{
    std::set<std::string> words;
    for (const catalog::Parameter& parameter : catalog::all())
        words.emplace(parameter.key);
    for (const catalog::Topic& topic : catalog::topics())
        words.emplace(topic.name);
    return {words.begin(), words.end()};
}

Words tunable_words(const Globals& globals)
{
    Words words;
    auto kernel = open_kernel(globals);
    if (!kernel) return words;
    if (const auto all = tunable::list(*kernel))
        std::ranges::transform(*all, std::back_inserter(words), [](const Tunable& one) { return to_text(one); });
    return words;
}

Words rule_words(const Globals&)
{
    Words words;
    for (const advise::Rule& rule : advise::rulebook())
        words.emplace_back(rule.id);
    return words;
}

Words workload_words(const Globals&)
{
    Words words{"help"};
    for (const Workload one : all_workloads())
        words.emplace_back(to_text(one));
    return words;
}

Words namespace_words(const Globals&) { return kernel::Files::live().list("run/netns").value_or(Words{}); }

Words shell_words(const Globals&)
{
    Words words;
    for (const Shell& shell : shells)
        words.emplace_back(shell.name);
    return words;
}

Words symptom_words(const Globals&)
{
    Words words;
    for (std::size_t i = 0; i < symptom_count; ++i)
        words.emplace_back(to_text(static_cast<Symptom>(i)));
    return words;
}

Words level_words(const Globals&) { return {"note", "warning", "error", "never"}; }
Words risk_words(const Globals&) { return {"none", "low", "medium", "high"}; }
Words colour_words(const Globals&) { return {"auto", "always", "never"}; }
Words format_words(const Globals&) { return {"text", "json", "sarif"}; }

// What completes an option's value, or a command's own words. All else is a file, which the shell knows best.
struct Source {
    std::string_view place; // "--risk", or a command's name
    Words (*words)(const Globals&);
};
constexpr std::array sources{
    Source{"--workload", workload_words}, Source{"--risk", risk_words},      Source{"--color", colour_words},
    Source{"--netns", namespace_words},   Source{"--format", format_words},  Source{"explain", topic_words},
    Source{"--fail-on", level_words},     Source{"diagnose", symptom_words}, Source{"get", tunable_words},
    Source{"set", tunable_words},         Source{"list", tunable_words},     Source{"rules", rule_words},
    Source{"completion", shell_words},
};

Words words_at(std::string_view place, const Globals& globals)
{
    const auto source = std::ranges::find(sources, place, &Source::place);
    return source == sources.end() ? Words{} : source->words(globals);
}

// --- where the cursor is ---

const CLI::Option* find_option(const CLI::App& app, const std::string& word)
{
    for (const CLI::Option* option : app.get_options())
        if (option->check_name(word)) return option;
    return nullptr;
}

void add_flags(const CLI::App& app, Words& words)
{
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames())
            words.push_back("--" + name);
}

// A command with its options, which the parser that runs now does not have: it knows those of `completion` alone.
std::unique_ptr<CLI::App> find_command(const std::string& name, const Globals& globals)
{
    const auto row = std::ranges::find(commands(), name, &Command::name);
    if (row == commands().end()) return nullptr;
    auto command = std::make_unique<CLI::App>(std::string(row->summary), name);
    row->declare(*command, globals); // nothing is parsed, so nothing is run
    return command;
}

struct Cursor {
    const CLI::App* root;
    std::unique_ptr<CLI::App> command;
    std::string pending; // the option whose value comes next
};

Cursor walk(const CLI::App& root, const Words& before, const Globals& globals)
{
    Cursor at{&root, nullptr, {}};
    for (const std::string& word : before) {
        if (word == "=") continue; // bash splits --risk=low in three
        if (!at.pending.empty()) {
            at.pending.clear();
            continue;
        }
        if (word.starts_with('-')) {
            const CLI::Option* option = at.command ? find_option(*at.command, word) : nullptr;
            if (option == nullptr) option = find_option(root, word);
            if (option != nullptr && option->get_items_expected_max() > 0) at.pending = word;
        } else if (at.command == nullptr) {
            at.command = find_command(word, globals);
        }
    }
    return at;
}

Words candidates(const Cursor& at, const std::string& current, const Globals& globals)
{
    if (!at.pending.empty()) return words_at(at.pending, globals);
    Words words;
    if (current.starts_with('-')) {
        if (at.command != nullptr) add_flags(*at.command, words);
        add_flags(*at.root, words);
    } else if (at.command == nullptr) {
        for (const Command& command : commands())
            words.emplace_back(command.name);
    } else {
        words = words_at(at.command->get_name(), globals);
    }
    return words;
}

// "web-server,da": what stands before the last comma stays.
std::string fixed_part(const Cursor& at, const std::string& current)
{
    const std::size_t comma = at.pending == "--workload" ? current.rfind(',') : std::string::npos;
    return comma == std::string::npos ? std::string{} : current.substr(0, comma + 1);
}

int complete(const CLI::App& root, Words typed, const Globals& globals)
{
    std::string current = typed.empty() ? std::string{} : std::move(typed.back());
    if (!typed.empty()) typed.pop_back();
    const Cursor at = walk(root, typed, globals);
    if (current == "=") current.clear();
    const std::string fixed = fixed_part(at, current);
    std::string text;
    std::set<std::string> shown;
    for (const std::string& word : candidates(at, current, globals))
        if ((fixed + word).starts_with(current) && shown.insert(word).second) text += fixed + word + '\n';
    const auto printed = print(text);
    return printed ? done : failed;
}

int script(const std::string& name)
{
    const auto shell = std::ranges::find(shells, name, &Shell::name);
    if (shell == shells.end())
        return complain(fmt::format("no completion for '{}': there are bash, zsh and fish", name), usage);
    const auto printed = print(shell->script);
    return printed ? done : complain(printed.error());
}

} // namespace

Action declare_completion(CLI::App& app, const Globals& globals)
{
    auto words = std::make_shared<Words>();
    auto asked = std::make_shared<bool>(false);
    app.add_option("shell", *words, "bash, zsh or fish")->type_name("SHELL");
    app.add_flag("--words", *asked, "what could follow the words after --; the scripts use it");
    return [words, asked, &app, &globals] {
        if (*asked) return complete(*app.get_parent(), *words, globals);
        if (words->size() != 1) return complain("name one shell: bash, zsh or fish", usage);
        return script(words->front());
    };
}

} // namespace netwright::cli
