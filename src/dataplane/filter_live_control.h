// SPDX-License-Identifier: GPL-2.0-or-later
// Blocking and allowing sources while the filter runs. What is said outlives the command and the policy, and goes with
// the filter; when its time is over it ends by itself.
#pragma once

#include "dataplane/filter_live.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct LiveChange {
    std::vector<LiveEntry> given;
    std::vector<Prefix> taken;            // forgotten, whoever gave them
    std::optional<std::string> feed = {}; // `given` is all that this feed says from now on
};
struct LiveOutcome {
    std::size_t entries = 0;     // that there are now
    std::vector<Prefix> missing; // of `taken`: those that nothing was said of
};

LiveTime live_now();

// `directory` is pin_directory("filter"). Of one IP version, every packet sees all of the change or nothing of it.
// Absent: no filter runs here. Rejected: its policy has 'live: false', or there are too many entries.
Result<LiveOutcome> change_live(const std::filesystem::path& directory, LiveChange change);
// What a policy's lists say of it: entries that end or belong to a feed. Those of the feeds in `before` go.
// `directory` is claimed; its maps are pinned.
Result<void> put_listed(const std::filesystem::path& directory, const FilterPolicy& policy,
                        const std::vector<std::string>& before);
std::vector<std::string> feeds_of(const FilterPolicy& policy); // of its lists

// Those whose time is not over, sorted.
Result<std::vector<LiveEntry>> live_entries(const std::filesystem::path& directory);

// What change_live() ends with: the program's two maps of that name get these tables.
Result<void> put_live_tables(int live4, int live6, const LiveTables& tables);

// As they are kept, in rows of 32 bytes.
struct live_row {
    std::array<std::uint8_t, 32> bytes;
};
inline constexpr std::size_t live_feeds_most = 255;
Result<std::vector<live_row>> to_rows(std::span<const LiveEntry> entries); // Rejected: too many feeds
Result<std::vector<LiveEntry>> from_rows(std::span<const live_row> rows);

} // namespace netwright::dataplane
