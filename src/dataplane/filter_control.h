// SPDX-License-Identifier: GPL-2.0-or-later
// The filter that runs in this network namespace. Links and maps are pinned in bpffs, so it outlives the command, and a
// new policy takes over from the old one without a gap: packets see the one or the other, counters go on.
#pragma once

#include "dataplane/filter_program.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct InstalledFilter {
    std::string policy; // what install() was given as its name
    FilterPolicy::Mode mode = FilterPolicy::Mode::Native;
    bool dry_run = false, live = false, samples = false;
    std::vector<std::string> interfaces;
    CounterNames counters;
    std::vector<std::string> feeds = {}; // that its lists have filled
    bool operator==(const InstalledFilter&) const = default;
};
std::string to_text(const InstalledFilter& installed);
Result<InstalledFilter> parse_installed(std::string_view text);

// `directory` is pin_directory("filter"). Nothing: no filter runs here.
Result<std::optional<InstalledFilter>> installed_filter(const std::filesystem::path& directory);

// Its policy; after a kill in the middle of an installation that of the new one, whatever packets see: whoever takes it
// back must install the old one again.
Result<std::optional<std::string>> running_policy(const std::filesystem::path& directory);

// Replaces what runs, or starts it. On any failure every interface has what it had before. Busy: another XDP program
// holds an interface, named with its number. Unsupported: the driver has no native XDP.
Result<void> install_filter(const std::filesystem::path& directory, const FilterPolicy& policy,
                            const std::string& name);
// Detaches it everywhere and forgets its counters; nothing to do is no failure.
Result<void> remove_filter(const std::filesystem::path& directory);

struct NamedCount {
    std::string name;
    filter_count sum;
};
// Counters that have counted something, and all of lists and rules. Absent: no filter runs here.
Result<std::vector<NamedCount>> filter_stats(const std::filesystem::path& directory);

} // namespace netwright::dataplane
