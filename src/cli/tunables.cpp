// SPDX-License-Identifier: GPL-2.0-or-later
// netwright get and list: what is set now.
#include "cli/command.h"
#include "cli/kinds.h"
#include "tunable/tunable_kind.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace netwright::cli {
namespace {

bool is_glob(const std::string& text) { return text.find_first_of("*?") != std::string::npos; }

std::string line(const Tunable& tunable, const Result<std::optional<Value>>& value)
{
    const std::string shown = value ? fmt::format("{} = {}", to_text(tunable), *value ? to_text(**value) : "(nothing)")
                                    : fmt::format("{} (not readable: {})", to_text(tunable), value.error().what);
    return report::printable(shown) + '\n';
}

// Names and globs, in the order given. An unknown name is an error; a glob without a match too.
Result<std::vector<Tunable>> named(kernel::Kernel& kernel, const std::vector<std::string>& names)
{
    std::vector<Tunable> found, everything;
    for (const std::string& name : names) {
        if (!is_glob(name)) {
            found.push_back(TRY(parse_tunable(name)));
            continue;
        }
        if (everything.empty()) everything = TRY(tunable::list(kernel));
        const std::size_t before = found.size();
        std::ranges::copy_if(everything, std::back_inserter(found),
                             [&](const Tunable& tunable) { return matches(tunable, name); });
        if (found.size() == before)
            return fail(Error::Kind::Rejected, fmt::format("nothing here matches '{}' (see: netwright list)", name));
    }
    return found;
}

int get(const std::vector<std::string>& names, const Globals& globals)
{
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto tunables = named(*kernel, names);
    if (!tunables) return complain(tunables.error(), usage);
    int code = done;
    std::string text;
    for (const Tunable& tunable : *tunables) {
        const auto value = tunable::read(*kernel, tunable);
        if (!value && tunables->size() == names.size()) {
            code = complain(value.error());
            continue;
        }
        text += line(tunable, value);
    }
    if (auto printed = print(text); !printed) return complain(printed.error());
    return code;
}

int list(const std::string& glob, const Globals& globals)
{
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto readings = tunable::list_values(*kernel);
    if (!readings) return complain(readings.error());
    std::string text;
    for (const auto& [tunable, value] : *readings)
        if (glob.empty() || matches(tunable, glob)) text += line(tunable, value);
    if (text.empty()) return complain(fmt::format("nothing here matches '{}'", glob), failed);
    const auto printed = print(text);
    return printed ? done : complain(printed.error());
}

struct ListFlags {
    std::string glob;
    bool kinds = false, markdown = false;
};

int list_kinds(const ListFlags& flags)
{
    const auto printed = print(flags.markdown ? kinds_markdown() : kinds_text());
    return printed ? done : complain(printed.error());
}

} // namespace

Action declare_get(CLI::App& app, const Globals& globals)
{
    auto names = std::make_shared<std::vector<std::string>>();
    app.add_option("tunable", *names, "such as sysctl/net.ipv4.tcp_rmem, link/eth0/mtu; globs in quotes")
        ->type_name("TUNABLE")
        ->required();
    return [names, &globals] { return get(*names, globals); };
}

Action declare_list(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<ListFlags>();
    app.add_option("glob", flags->glob, "only those that match, such as 'net.ipv4.tcp_*'")->type_name("GLOB");
    CLI::Option* const kinds =
        app.add_flag("--kinds", flags->kinds, "the kinds of tunables there are, not their values");
    app.add_flag("--markdown", flags->markdown, "as docs/tunables.md")->needs(kinds);
    return [flags, &globals] { return flags->kinds ? list_kinds(*flags) : list(flags->glob, globals); };
}

} // namespace netwright::cli
