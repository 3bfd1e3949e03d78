// SPDX-License-Identifier: GPL-2.0-or-later
// The steering that runs in this network namespace. It outlives the command, and a new policy takes over from the old
// one without a gap: packets see the one or the other, counters go on.
#pragma once

#include "dataplane/steer_program.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct InstalledSteer {
    std::string policy;                  // what install_steer() was given as its name
    bool clsact = false;                 // or TCX
    std::vector<std::string> interfaces; // which have these sides:
    bool ingress = false, egress = false;
    std::vector<std::string> paced;               // of these, where limits delay; elsewhere they drop
    std::vector<std::string> qdiscs;              // interfaces whose clsact qdisc we made
    std::map<std::string, std::uint64_t> cgroups; // by path, as they were numbered
    SteerCounters counters;
    bool limits = false;
    bool operator==(const InstalledSteer&) const = default;
};
std::string to_text(const InstalledSteer& installed);
Result<InstalledSteer> parse_installed_steer(std::string_view text);

// `directory` is pin_directory("steer"). Nothing: nothing is steered here.
Result<std::optional<InstalledSteer>> installed_steer(const std::filesystem::path& directory);

// Replaces what runs, or starts it, and gives what then runs. On any failure every interface has what it had before.
Result<InstalledSteer> install_steer(const std::filesystem::path& directory, const SteerPolicy& policy,
                                     const std::string& name);
// Detaches it everywhere and forgets its counters; nothing to do is no failure.
Result<void> remove_steer(const std::filesystem::path& directory);

// What has come to be different from when the policy was applied, one line each: a qdisc that no longer paces, a cgroup
// that was made anew, an interface that is gone.
std::vector<std::string> steer_troubles(const std::filesystem::path& directory, const InstalledSteer& installed);

struct NamedSteerCount {
    std::string name;
    steer_count sum;
};
// Every class, and packets of none. Absent: nothing is steered here.
Result<std::vector<NamedSteerCount>> steer_stats(const std::filesystem::path& directory);

} // namespace netwright::dataplane
