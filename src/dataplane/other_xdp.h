// SPDX-License-Identifier: GPL-2.0-or-later
// XDP programs of others: naming the one that an interface has, and letting it run behind ours. It gives us its place,
// our program ends in a tail call into it (filter.bpf.c), and when ours goes it is attached again as it was.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace netwright::dataplane {

struct OtherXdp {
    std::string interface, name; // the program's, as its author called it
    bool generic = false;
    std::uint32_t id = 0;
    Fd program;
};
// What netlink attached there; nothing: no program is. Busy, with its name and number: it cannot give its place, for a
// BPF link holds it, or the device itself runs it.
Result<std::optional<OtherXdp>> other_xdp(const std::string& interface);
// "XDP program 'x' (id 5)"; of libxdp's dispatcher, what that is.
std::string to_text(const OtherXdp& other);

// Those that have given their place, by what is pinned in `directory`.
Result<std::vector<OtherXdp>> displaced_xdp(const std::filesystem::path& directory);
// Attaches it again as it was and forgets it; its interface is free by now. Whoever has come there meanwhile stays.
Result<void> put_back(const std::filesystem::path& directory, const OtherXdp& other);
// The same for all of interfaces that `now` does not name.
Result<void> put_back_others(const std::filesystem::path& directory, const std::vector<std::string>& now);

// Takes their places; they get them back unless kept.
class Displacement {
public:
    explicit Displacement(std::filesystem::path directory) : directory_(std::move(directory)) {}
    // It is pinned before it is detached, so a command that is killed in between loses nothing.
    Result<void> add(OtherXdp other);
    void keep() { done_.clear(); }
    ~Displacement();
    Displacement(const Displacement&) = delete;
    Displacement& operator=(const Displacement&) = delete;

private:
    std::filesystem::path directory_;
    std::vector<OtherXdp> done_;
};

// Puts them into a BPF_MAP_TYPE_PROG_ARRAY, at their interfaces' numbers. Unsupported: the kernel says that they and
// the program that uses the map cannot call each other.
Result<void> chain(int map, const std::vector<OtherXdp>& others);
std::uint32_t chain_size(const std::vector<OtherXdp>& others); // elements that the map needs

} // namespace netwright::dataplane
