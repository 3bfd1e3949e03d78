// SPDX-License-Identifier: GPL-2.0-or-later
// Congestion control by connection: a sock_ops BPF program on a cgroup, and the maps it looks into. The cgroup keeps
// both alive after we end; they go with the last choice, with the cgroup, and at the next boot.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "base/ip_prefix.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace netwright::kernel {

// The peer's network, or the port of the service: the destination's when we connect, ours when we accept.
using CongestionTarget = std::variant<IpPrefix, std::uint16_t>;

struct CongestionChoice {
    CongestionTarget target;
    std::string algorithm;
};

class CongestionChoices {
public:
    // `cgroup` is a directory of the unified hierarchy. Absent: no such cgroup. Refused: no rights.
    static Result<CongestionChoices> open(const std::string& cgroup);

    Result<std::vector<CongestionChoice>> all() const;
    Result<std::optional<std::string>> find(const CongestionTarget& target) const;
    // The first choice attaches the program. Unsupported: this kernel cannot. Busy: a program is there that suffers no
    // other beside it.
    Result<void> set(const CongestionTarget& target, const std::string& algorithm);
    Result<void> remove(const CongestionTarget& target); // the last one detaches the program

private:
    struct Attached { // our program on the cgroup, and its maps
        Fd program, prefixes, ports;
    };
    explicit CongestionChoices(std::string name, Fd cgroup) : name_(std::move(name)), cgroup_(std::move(cgroup)) {}
    Result<std::optional<Attached>> attached() const;
    Result<void> attach();
    std::string name_;
    Fd cgroup_;
};

// Where the unified hierarchy is mounted, from the text of /proc/self/mounts; "" if nowhere.
std::string unified_cgroup(std::string_view mounts);

} // namespace netwright::kernel
