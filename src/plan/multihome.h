// SPDX-License-Identifier: GPL-2.0-or-later
// A host with several ways out: tables and rules by which each address's packets leave where they came in.
//
// The kernel chooses the way out by the destination. A host with two providers so answers through its default route
// whatever came in by the other, from an address that provider does not know, and the answer is dropped. The cure is a
// table for each interface, with its own network, its own gateway and all that is reached through other doors than the
// providers', and a rule for each address: "from A lookup T".
#pragma once

#include "model/change.h"
#include "model/snapshot.h"

#include <map>
#include <string>
#include <vector>

namespace netwright::plan {

struct MultihomeOptions {
    std::multimap<std::string, std::string> gateways; // interface → address, where routes do not show one
    std::uint32_t first_table = 210;
    std::uint32_t first_priority = 10010;
};

// An address whose packets leave through `nic` by `gateway` when all is done.
struct Homing {
    std::string address, nic, gateway;
    bool operator==(const Homing&) const = default;
};

struct Multihome {
    std::vector<Change> changes; // tables first, then the rules that lead to them
    std::vector<Homing> homes;   // of every family with several ways out
    std::vector<std::string> notes;
};

// A family with fewer than two interfaces that have a gateway needs nothing, and a note says so. Rules that are there
// already are left alone. A snapshot's error where addresses, routes or rules were not seen.
Result<Multihome> plan_multihome(const Snapshot& host, const MultihomeOptions& options);

} // namespace netwright::plan
