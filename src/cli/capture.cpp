// SPDX-License-Identifier: GPL-2.0-or-later
// netwright capture: everything observed, as one JSON file.
#include "cli/look.h"
#include "model/snapshot_json.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>

namespace netwright::cli {
namespace {

struct CaptureFlags {
    LookFlags look;
    std::string output = "-";
};

// What could not be seen is in the file; a person also wants it said, in few words.
void mention_gaps(const Snapshot& snapshot)
{
    std::map<std::string_view, std::size_t> by_kind;
    for (const Gap& gap : gaps(snapshot))
        ++by_kind[to_text(gap.why.kind)];
    if (by_kind.empty()) return;
    std::string text;
    for (const auto& [kind, count] : by_kind)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kind);
    fmt::print(stderr, "netwright: not seen: {} (the file says what and why, under \"unseen\"){}\n", text,
               ::geteuid() == 0 ? "" : "; root sees more");
}

int run(const CaptureFlags& flags, const Globals& globals)
{
    const auto snapshot = look(flags.look, globals);
    if (!snapshot) return complain(snapshot.error());
    if (auto written = write_file(flags.output, to_json(*snapshot)); !written) return complain(written.error());
    mention_gaps(*snapshot);
    return done;
}

} // namespace

Action declare_capture(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<CaptureFlags>();
    app.add_option("-o,--output", flags->output, "where to write (- for stdout)")
        ->type_name("FILE")
        ->capture_default_str();
    add_look_flags(app, flags->look, Source::NoFile);
    app.add_flag("--owners", flags->look.owners,
                 "also count established connections by process: one BPF pass (root, BTF), else a walk over every "
                 "descriptor of every process");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
