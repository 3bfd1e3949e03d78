// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever text comes as a steering policy: an error of one line that names the place, or a policy whose tables can be
// made.
#include "dataplane/steer_image.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const auto policy = dataplane::parse_steer_policy({reinterpret_cast<const char*>(data), size}, "steer.yaml");
    if (!policy) {
        ENSURE(policy.error().what.find('\n') == std::string::npos);
        ENSURE(policy.error().what.starts_with("steer.yaml:"));
        return 0;
    }
    (void)dataplane::doubts(*policy);
    dataplane::SteerPlaces places;
    for (const auto& one : policy->classes) {
        ENSURE(one.cgroup.find("..") == std::string::npos || one.cgroup.find("/../") == std::string::npos);
        places.interfaces.emplace(one.redirect.interface, 1U);
        places.cgroups.emplace(one.cgroup, 1U);
    }
    const auto counters = dataplane::steer_counters(*policy, {});
    ENSURE(counters && counters->size() == policy->classes.size());
    if (policy->classes.size() > 2) return 0; // tables take a millisecond a class
    const auto image = dataplane::make_steer_image(*policy, *counters, places);
    ENSURE(image && image->classes.size() == policy->classes.size());
    ENSURE((image->ingress & image->egress) == 0);
    return 0;
}
