// SPDX-License-Identifier: GPL-2.0-or-later
// What outlives the command that made it: links, maps and a line of state, pinned in a directory of bpffs.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/xdp_link.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

// "<bpffs>/netwright/<name>" for the host's own network namespace, "<name>-<inode>" for others. Absent: bpffs is not
// mounted there, with the command that mounts it.
Result<std::filesystem::path> pin_directory(std::string_view name, const std::filesystem::path& bpffs = "/sys/fs/bpf");

// Makes the directory, and keeps other commands out of it while the descriptor lives. Busy: one is still in it after
// `patience`.
Result<Fd> claim_pins(const std::filesystem::path& directory, std::chrono::milliseconds patience = {});

// Where an interface's link, or another of this name, is pinned.
std::filesystem::path link_path(const std::filesystem::path& directory, const std::string& name);
Result<void> pin(int descriptor, const std::filesystem::path& path);
Result<Fd> pinned(const std::filesystem::path& path); // Absent: nothing is pinned there

// The state is a text (128 KiB at most). A new one is prepared beside the old one and takes its place in one step.
Result<void> prepare_state(const std::filesystem::path& directory, std::string_view text);
Result<void> commit_state(const std::filesystem::path& directory);
Result<void> discard_state(const std::filesystem::path& directory); // the prepared one; none is no failure
Result<std::optional<std::string>> pinned_state(const std::filesystem::path& directory,
                                                std::string_view name = "state");
inline constexpr std::string_view prepared_state = "state-new";

// Detached before its pin goes: the kernel lets go of a forgotten link at leisure, and the interface would be busy
// until then.
Result<void> unpin_link(const std::filesystem::path& directory, const std::string& interface);
// Of the interfaces named `before`, those that `now` names no more.
Result<void> unpin_others(const std::filesystem::path& directory, const std::vector<std::string>& before,
                          const std::vector<std::string>& now);
// All that is pinned in it; links first, so that packets pass whatever goes wrong later. Nothing there is no failure.
Result<void> clear_pins(const std::filesystem::path& directory);
Result<void> remove_pins(const std::filesystem::path& directory); // and the directory

// One program on many interfaces: all of them or none. What has been attached or switched goes back unless kept.
class PinnedLinks {
public:
    explicit PinnedLinks(std::filesystem::path directory) : directory_(std::move(directory)) {}
    // A link that is pinned already runs `program` from now on; another interface gets a new one.
    Result<void> add(const std::string& interface, int program, bool generic);
    Result<void> pin_new();
    void keep() { kept_ = true; }
    ~PinnedLinks();
    PinnedLinks(const PinnedLinks&) = delete;
    PinnedLinks& operator=(const PinnedLinks&) = delete;

private:
    struct Step {
        std::string interface;
        std::optional<XdpLink> fresh; // made now; dropping it detaches
        Fd link, before;              // one that was there, and the program it ran
    };
    static Result<void> switch_over(Step& step, std::uint32_t before, int program);
    std::filesystem::path directory_;
    std::vector<Step> done_;
    bool kept_ = false;
};

} // namespace netwright::dataplane
