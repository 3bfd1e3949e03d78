// SPDX-License-Identifier: GPL-2.0-or-later
// What steering is to do, as a person writes it (docs/steer.md), and what is wrong with it.
#pragma once

#include "base/error.h"
#include "base/units.h"
#include "dataplane/packet_words.h"
#include "dataplane/prefix.h"
#include "dataplane/steer_layout.h"

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

enum class TcSide { Ingress, Egress };

struct SteerMark {
    std::uint32_t value = 0, mask = 0xffffffff; // bits outside the mask stay as they are
    bool operator==(const SteerMark&) const = default;
};

struct SteerPayload { // of TCP and UDP: so many bytes behind the header begin these
    std::uint32_t at = 0;
    std::string bytes; // 1 to STEER_PAYLOAD
    bool operator==(const SteerPayload&) const = default;
};

struct SteerRedirect {
    steer_way way = STEER_STAY;
    std::string interface;
    bool operator==(const SteerRedirect&) const = default;
};

struct SteerLimit {
    BitRate rate;
    Bytes burst;
    bool operator==(const SteerLimit&) const = default;
};

// Conditions that are given must all hold; the first class in which they do is the packet's.
struct SteerClass {
    std::string name;
    TcSide side = TcSide::Egress;
    std::optional<unsigned> family; // 4 or 6
    std::vector<std::uint8_t> protocols;
    std::vector<Prefix> from, to;
    std::vector<Range> source_ports, destination_ports;
    std::bitset<STEER_DSCPS> dscps; // none: any
    std::string cgroup;             // below the unified hierarchy's root, without a leading slash
    std::optional<SteerPayload> payload;

    std::optional<std::uint32_t> priority;
    std::optional<SteerMark> mark;
    std::optional<std::uint16_t> queue;
    std::optional<std::uint8_t> dscp;
    SteerRedirect redirect;
    std::optional<SteerLimit> limit;
    unsigned line = 0;
    bool operator==(const SteerClass&) const = default;
};

struct SteerPolicy {
    std::vector<std::string> interfaces;
    enum class Hook { Auto, Tcx, Clsact } hook = Hook::Auto; // Auto: TCX where the kernel has it (Linux 6.6)
    std::vector<SteerClass> classes;
    bool operator==(const SteerPolicy&) const = default;
    bool uses(TcSide side) const;
};

// Malformed with file, line and column.
Result<SteerPolicy> parse_steer_policy(std::string_view text, std::string_view file);

// What the owner should know before this policy runs: classes that no packet can reach. One line each.
std::vector<std::string> doubts(const SteerPolicy& policy);

} // namespace netwright::dataplane
