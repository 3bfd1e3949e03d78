// SPDX-License-Identifier: GPL-2.0-or-later
// Changes in a safe order, for one host, made for review.
#pragma once

#include "model/change.h"
#include "model/intent.h"

#include <string>
#include <vector>

namespace netwright {

// Which host, and which network namespace of it, a plan was made for.
struct Fingerprint {
    std::string machine_id; // /etc/machine-id; "" where there is none
    std::string hostname;
    std::string kernel;            // uname -r
    std::string network_namespace; // "init" or "net:[…]"
    std::vector<std::string> nics; // "eth0 virtio_net 52:54:00:…", sorted; loopback left out
    bool operator==(const Fingerprint&) const = default;
};

struct Snapshot;
// NICs that come and go with containers (veth, taps) are left out, unless there is no other.
Fingerprint fingerprint(const Snapshot& snapshot);
// In words, what makes `now` another host than the one `planned` was made for; empty: it is the same. A part that one
// of them could not see (no rights, a captured tree) is not held against it.
std::vector<std::string> differences(const Fingerprint& planned, const Fingerprint& now);

struct PlanInput {       // a number the plan's formulas used: shown so that it can be disputed
    std::string name;    // "bandwidth-delay product"
    std::string value;   // "62.5 MB (59.6 MiB)"
    std::string formula; // "10 Gbit/s x 50 ms / 8"
    bool operator==(const PlanInput&) const = default;
};

struct LeftOut {                     // what was found but not planned
    std::string tunable, to, reason; // "risk medium is above --risk low", "protected by --protect net.ipv4.*"
    std::vector<std::string> because;
    bool operator==(const LeftOut&) const = default;
};

struct Plan {
    static constexpr int current_schema = 1;
    int schema = current_schema;
    Fingerprint made_for;
    Intent intent;
    std::vector<PlanInput> inputs;
    std::vector<Change> changes; // in the order in which they are applied; at most one per tunable
    std::vector<LeftOut> left_out;
    std::vector<std::string> advice; // what findings ask people to do by hand
    bool operator==(const Plan&) const = default;
};

} // namespace netwright
