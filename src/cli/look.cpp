// SPDX-License-Identifier: GPL-2.0-or-later
// Taking or reading a snapshot.
#include "cli/look.h"

#include "host/collect.h"
#include "model/snapshot_json.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>

namespace netwright::cli {
namespace {

constexpr std::size_t largest_snapshot = 512U << 20; // a host with thousands of interfaces stays far below

Result<Snapshot> from_file(const std::string& path)
{
    auto snapshot = snapshot_from_json(TRY(read_file(path, largest_snapshot)));
    if (!snapshot) snapshot.error().what = fmt::format("{}: {}", path, snapshot.error().what);
    return snapshot;
}

Result<Snapshot> from_tree(const std::string& directory)
{
    kernel::Kernel captured = TRY(kernel::Kernel::captured(directory));
    return host::collect(captured, {}); // a tree stands still: one sample says all
}

} // namespace

void add_look_flags(CLI::App& app, LookFlags& flags, Source source)
{
    CLI::Option* const root =
        app.add_option("--root", flags.root, "look at a captured /proc and /sys tree instead of this host")
            ->type_name("DIR");
    app.add_option("--seconds", flags.seconds, "time between the two samples of every counter; 0 takes one")
        ->type_name("N")
        ->check(number_between(0, 3600))
        ->capture_default_str();
    if (source == Source::Any)
        app.add_option("--from", flags.from, "judge a snapshot that `netwright capture` wrote (- for stdin)")
            ->type_name("FILE")
            ->excludes(root);
}

Result<Snapshot> look(const LookFlags& flags, const Globals& globals)
{
    if (!flags.from.empty()) return from_file(flags.from);
    if (!flags.root.empty()) return from_tree(flags.root);
    kernel::Kernel live = TRY(open_kernel(globals));
    return host::collect(live, {.interval = std::chrono::milliseconds{static_cast<std::int64_t>(flags.seconds * 1000)},
                                .owners = flags.owners});
}

} // namespace netwright::cli
