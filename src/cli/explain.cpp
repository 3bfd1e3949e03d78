// SPDX-License-Identifier: GPL-2.0-or-later
// netwright explain: one parameter, counter or drop reason as a good colleague would explain it.
#include "cli/command.h"
#include "cli/explain_inputs.h"
#include "host/collect.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace netwright::cli {
namespace {

constexpr std::size_t most_in_full = 4; // beyond, one line each

struct ExplainFlags {
    std::vector<std::string> names;
    std::string search, kernel, root;
    std::size_t limit = 20;
    bool json = false, full = false;
};

struct Asked {
    catalog::Known known;
    std::string name; // as typed
};

std::string quoted_list(const std::vector<std::string_view>& names)
{
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i)
        text += fmt::format("{}{}", i == 0 ? "" : (i + 1 == names.size() ? " or " : ", "), names[i]);
    return text;
}

Error unknown(const std::string& name)
{
    const auto near = catalog::near_names(name);
    const std::string hint = near.empty() ? fmt::format("search for words: netwright explain --search '{}'", name)
                                          : fmt::format("did you mean {}?", quoted_list(near));
    return {Error::Kind::Rejected, fmt::format("nothing is known of '{}': {}", name, hint), 0};
}

Result<std::vector<Asked>> asked_for(const ExplainFlags& flags)
{
    std::vector<Asked> all;
    for (const std::string& name : flags.names) {
        const auto found = catalog::named(name);
        if (found.empty()) return std::unexpected(unknown(name));
        for (const catalog::Known& one : found)
            all.push_back({one, name});
    }
    if (flags.search.empty()) return all;
    const auto hits = catalog::search(flags.search);
    if (hits.empty())
        return fail(Error::Kind::Rejected,
                    fmt::format("nothing mentions all of '{}': try fewer or other words", flags.search));
    for (const catalog::Hit& hit : hits)
        if (all.size() < flags.limit) all.push_back({hit.known, std::string(catalog::name_of(hit.known))});
    return all;
}

Result<kernel::Kernel> open_source(const ExplainFlags& flags, const Globals& globals)
{
    return flags.root.empty() ? open_kernel(globals) : kernel::Kernel::captured(flags.root);
}

Result<KernelVersion> version_of(const ExplainFlags& flags, const kernel::Kernel& kernel)
{
    if (!flags.kernel.empty()) {
        auto version = KernelVersion::parse(flags.kernel);
        if (!version) version.error().kind = Error::Kind::Rejected;
        return version;
    }
    return host::collect_kernel_facts(kernel).version;
}

Result<report::ExplainView> view_of(const ExplainFlags& flags, const Globals& globals)
{
    const auto asked = TRY(asked_for(flags));
    auto kernel = TRY(open_source(flags, globals));
    report::ExplainView view{TRY(version_of(flags, kernel)), flags.kernel.empty(), {}};
    ExplainHost host(kernel);
    for (const Asked& one : asked)
        view.explanations.push_back(host.explanation(one.known, one.name, view.kernel));
    return view;
}

std::string shown(const report::ExplainView& view, const ExplainFlags& flags, const Globals& globals)
{
    if (flags.json) return report::explain_json(view);
    const report::Style style = style_of(STDOUT_FILENO, globals);
    const bool list = !flags.full && (!flags.search.empty() || view.explanations.size() > most_in_full);
    if (!list) return report::explain_text(view, style);
    return report::explain_list_text(view, style) + fmt::format("\n{}; `netwright explain NAME` tells all about one.\n",
                                                                report::counted(view.explanations.size(), "name"));
}

int run(const ExplainFlags& flags, const Globals& globals)
{
    if (flags.names.empty() && flags.search.empty())
        return complain("name a parameter, a counter or a drop reason, or give --search WORDS", usage);
    const auto view = view_of(flags, globals);
    if (!view) return complain(view.error(), view.error().kind == Error::Kind::Rejected ? usage : failed);
    const auto printed = print(shown(*view, flags, globals));
    return printed ? done : complain(printed.error());
}

} // namespace

Action declare_explain(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<ExplainFlags>();
    app.add_option("name", flags->names,
                   "a parameter (net.ipv4.tcp_rmem, nic/eth0/ring/rx), a counter (TcpExtListenOverflows, "
                   "softnet.dropped, a driver's own word), a drop reason (NO_SOCKET), a word (rps); globs in quotes")
        ->type_name("NAME");
    app.add_option("--search", flags->search, "what mentions all these words, best first")->type_name("WORDS");
    app.add_option("--limit", flags->limit, "how many --search shows")->type_name("N")->capture_default_str();
    app.add_option("--kernel", flags->kernel, "tell the defaults of this kernel instead of the running one")
        ->type_name("VERSION");
    app.add_option("--root", flags->root, "a captured host's files instead of this host's")->type_name("DIR");
    app.add_flag("--full", flags->full, "everything about each, however many there are");
    app.add_flag("--json", flags->json, "for machines (docs/formats/explain.md)");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
