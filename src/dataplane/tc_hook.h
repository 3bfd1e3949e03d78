// SPDX-License-Identifier: GPL-2.0-or-later
// Programs on traffic control's hooks: TCX links where the kernel has them (Linux 6.6), filters of a clsact qdisc else.
// A link is pinned; a filter holds itself, and is found again by its place.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "dataplane/steer_policy.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct TcPlace {
    std::string interface;
    TcSide side = TcSide::Egress;
    bool operator==(const TcPlace&) const = default;
};
std::string to_text(TcSide side); // "ingress", "egress"

Result<bool> has_tcx();
// Absent: no such interface. Rejected: its frames do not begin with an Ethernet header.
Result<unsigned> ethernet_index(const std::string& interface);

// One policy's programs in all their places, or in none. What has been attached or replaced goes back unless kept.
class TcHooks {
public:
    TcHooks(std::filesystem::path directory, bool clsact) : directory_(std::move(directory)), clsact_(clsact) {}
    // A program of ours that is there already is replaced in one step.
    Result<void> add(const TcPlace& place, int program);
    Result<void> pin_new();
    void keep() { kept_ = true; }
    // Interfaces that had no clsact qdisc before.
    const std::vector<std::string>& fresh_qdiscs() const { return fresh_qdiscs_; }
    ~TcHooks();
    TcHooks(const TcHooks&) = delete;
    TcHooks& operator=(const TcHooks&) = delete;

private:
    struct Step {
        TcPlace place;
        Fd link, before; // TCX: the link; both: the program that it ran
        bool fresh = false;
    };
    Result<void> add_link(Step& step, int program);
    Result<void> add_filter(Step& step, int program);
    void take_back(const Step& step) const;
    Result<void> make_qdisc(const std::string& interface);
    std::filesystem::path directory_;
    bool clsact_;
    std::vector<Step> done_;
    std::vector<std::string> fresh_qdiscs_;
    bool kept_ = false;
};

// Takes our program from there. Nothing there is no failure.
Result<void> remove_tc(const std::filesystem::path& directory, bool clsact, const TcPlace& place);
// Removes a clsact qdisc that we made, unless others have put filters into it since.
Result<void> remove_clsact(const std::string& interface);
// Is a program of ours there still?
bool holds_tc(const std::filesystem::path& directory, bool clsact, const TcPlace& place);

} // namespace netwright::dataplane
