// SPDX-License-Identifier: GPL-2.0-or-later
// The load balancer that runs in this network namespace. It is pinned in bpffs and outlives the command; a new
// configuration goes into the program that runs, so that its connections stay known.
#pragma once

#include "dataplane/lb_nat.h"
#include "dataplane/lb_program.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

// What the kernel does not keep: names, for the numbers in its tables.
struct InstalledLb {
    std::string config; // the file's name
    bool generic = false;
    std::uint32_t modes = 0; // that the pinned program has at least
    std::uint64_t generation = 0;
    std::vector<std::string> interfaces;
    std::map<Prefix, std::uint16_t> numbers;       // as in LbImage
    std::map<std::string, std::uint16_t> counters; //
    std::map<std::string, std::uint32_t> pools;    //
    bool operator==(const InstalledLb&) const = default;
};
std::string to_text(const InstalledLb& installed);
Result<InstalledLb> parse_installed_lb(std::string_view text);

// `directory` is pin_directory("lb"). Starts it, or gives the one that runs another configuration. On any failure every
// interface and every table is as it was. Busy: another XDP program holds an interface. Rejected: it names no
// interface, or another XDP mode than runs.
Result<void> install_lb(const std::filesystem::path& directory, const LbConfig& config, const std::string& name);
// Detaches it everywhere and forgets its connections and counters; nothing to do is no failure.
Result<void> remove_lb(const std::filesystem::path& directory);

// A pool's backend: which part of the pool's slots it owns, and which part it keeps connections of that other backends
// own by now, both 0 to 1.
struct LbShare {
    std::string pool, backend;
    double owns = 0, keeps = 0;
};
struct LbView {
    InstalledLb installed;
    Nanoseconds draining{}; // how long connections still stay where they were; 0: everything is settled
    std::vector<LbShare> shares;
    std::vector<LbNatUse> nat; // of each of its own addresses
};
Result<std::optional<LbView>> view_lb(const std::filesystem::path& directory); // nothing: none runs here

struct LbCounted {
    enum class Of { Vip, Backend, Dropped, Nat } of = Of::Vip;
    std::string name;
    lb_count sum{};
};
// All VIPs and backends of the configuration that runs, every reason for drops, and what NAT did. Absent: none runs
// here.
Result<std::vector<LbCounted>> lb_stats(const std::filesystem::path& directory);

} // namespace netwright::dataplane
