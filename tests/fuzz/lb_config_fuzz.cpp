// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever text comes as a load balancer's configuration: an error of one line that names the place, or a
// configuration in which every VIP has a pool and every backend a source.
#include "dataplane/lb_config.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const auto config = dataplane::parse_lb_config({reinterpret_cast<const char*>(data), size}, "lb.yaml");
    if (!config) {
        ENSURE(config.error().what.find('\n') == std::string::npos);
        ENSURE(config.error().what.starts_with("lb.yaml:"));
        return 0;
    }
    (void)dataplane::doubts(*config);
    for (const auto& vip : config->vips)
        ENSURE(vip.pool < config->pools.size() && vip.port != 0);
    for (const auto& pool : config->pools)
        for (const auto& backend : pool.backends)
            ENSURE(backend.address.ipv6 ? config->source6.has_value() : config->source4.has_value());
    return 0;
}
