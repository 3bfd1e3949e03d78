// SPDX-License-Identifier: GPL-2.0-or-later
// A steering policy as the tables that the packet path reads (steer_layout.h). Pure: it can be made, compared and
// tested without a kernel.
#pragma once

#include "dataplane/steer_policy.h"

#include <array>
#include <map>
#include <string>
#include <vector>

namespace netwright::dataplane {

// What the policy's words mean on this host.
struct SteerPlaces {
    std::map<std::string, std::uint32_t> interfaces; // by name, those that are redirected to
    std::map<std::string, std::uint64_t> cgroups;    // by path
};

struct SteerImage {
    std::uint64_t ingress = 0, egress = 0; // a bit a class
    std::uint64_t any_source = 0, any_destination = 0, any_cgroup = 0;
    bool uses_ports = false, uses_dscp = false, uses_payload = false, uses_limits = false;
    std::vector<std::uint64_t> by_protocol, by_dscp, by_source_port, by_destination_port;
    std::map<Prefix, std::uint64_t> sources, targets; // classes that a packet of this longest prefix may belong to
    std::map<std::uint64_t, std::uint64_t> cgroups;
    std::vector<steer_class> classes;
};

// Counters by name; numbers from STEER_NAMED on.
using SteerCounters = std::map<std::string, std::uint32_t>;

// A counter for each class: the one its name had in `before`, or a free one. Rejected: none is free.
Result<SteerCounters> steer_counters(const SteerPolicy& policy, const SteerCounters& before);

// Rejected: too many prefixes. Everything the policy names must stand in `places`.
Result<SteerImage> make_steer_image(const SteerPolicy& policy, const SteerCounters& counters,
                                    const SteerPlaces& places);

} // namespace netwright::dataplane
