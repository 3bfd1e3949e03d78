// SPDX-License-Identifier: GPL-2.0-or-later
// On a backend: the XDP program that takes a balancer's outer header off. Pinned, it outlives the command.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/decap_layout.h"
#include "dataplane/prefix.h"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace netwright::dataplane {

struct Decap {
    std::vector<std::string> interfaces;
    std::vector<Prefix> sources; // 1 to DECAP_SOURCES: what balancers send from, their 'source'
    bool generic = false;
    std::uint16_t gue_port = 6080;
    bool operator==(const Decap&) const = default;
};

class DecapProgram {
public:
    // Unsupported: this kernel's verifier refuses it. Refused: the rights are missing.
    static Result<DecapProgram> load(std::span<const Prefix> sources, std::uint16_t gue_port = 6080);
    int program() const { return program_.get(); }
    int counts() const { return counts_.get(); }

private:
    DecapProgram(Fd program, Fd counts) : program_(std::move(program)), counts_(std::move(counts)) {}
    Fd program_, counts_;
};

// `directory` is pin_directory("decap"). Replaces what runs without a gap, or starts it; on any failure every interface
// is as it was.
Result<void> install_decap(const std::filesystem::path& directory, const Decap& decap);
Result<void> remove_decap(const std::filesystem::path& directory);

struct InstalledDecap {
    Decap decap;
    std::vector<decap_count> counts; // by enum decap_counter
};
Result<std::optional<InstalledDecap>> installed_decap(const std::filesystem::path& directory); // nothing: none runs

} // namespace netwright::dataplane
