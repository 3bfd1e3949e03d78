// SPDX-License-Identifier: GPL-2.0-or-later
// What a supervised balancer says of itself: as JSON, as a page, for Prometheus.
#pragma once

#include "dataplane/lb_control.h"
#include "dataplane/lb_health.h"

#include <string>
#include <vector>

namespace netwright::dataplane {

struct LbBackendStatus {
    std::string pool, backend;
    std::string state;      // "up", "down", "starting", "unknown", "unchecked"; "draining": weight 0
    std::string why;        // of the last look that failed, while it is down
    unsigned percent = 100; // of its weight
    double seconds = 0;     // in this state
};
struct LbVipStatus {
    std::string vip;
    bool healthy = true; // some backend of its pool is up, or nothing looks
};
struct LbStatus {
    std::string config;
    std::string trouble; // why the configuration that was wanted last does not run
    std::vector<LbBackendStatus> backends;
    std::vector<LbVipStatus> vips;
};
LbStatus status_of(const std::string& name, const LbConfig& config, const LbHealths& healths, Nanoseconds now);

std::string to_json(const LbStatus& status);
Result<LbStatus> parse_lb_status(std::string_view json);
std::string to_html(const LbStatus& status, const std::vector<LbCounted>& counts);
std::string to_prometheus(const LbStatus& status);
// Names hold nothing that needs escaping.
std::string to_prometheus(const std::vector<LbCounted>& counts);

} // namespace netwright::dataplane
