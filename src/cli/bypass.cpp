// SPDX-License-Identifier: GPL-2.0-or-later
// netwright bypass: is this host ready for AF_XDP and DPDK, and what would they take away?
#include "advise/bypass.h"

#include "cli/command.h"
#include "cli/look.h"
#include "host/bypass.h"
#include "host/collect.h"
#include "report/bypass_text.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <memory>

namespace netwright::cli {
namespace {

struct Flags {
    std::string root;
    bool json = false;
};

Result<kernel::Kernel> source_of(const Flags& flags, const Globals& globals)
{
    return flags.root.empty() ? open_kernel(globals) : kernel::Kernel::captured(flags.root);
}

int run(const Flags& flags, const Globals& globals)
{
    auto kernel = source_of(flags, globals);
    if (!kernel) return complain(kernel.error());
    const Snapshot host = host::collect(*kernel, {});
    const BypassReport report = advise::judge_bypass(host::collect_bypass(*kernel, host));
    const std::string text =
        flags.json ? report::bypass_json(report) : report::bypass_text(report, style_of(STDOUT_FILENO, globals));
    const auto printed = print(text);
    return printed ? done : complain(printed.error());
}

} // namespace

Action declare_bypass(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<Flags>();
    app.add_option("--root", flags->root, "look at a captured tree (proc/, sys/) instead of this host")
        ->type_name("DIR");
    app.add_flag("--json", flags->json, "print JSON");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
