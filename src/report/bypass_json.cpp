// SPDX-License-Identifier: GPL-2.0-or-later
// The report on kernel bypass as JSON.
#include "report/bypass_text.h"

#include <nlohmann/json.hpp>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json;

Json json(const std::vector<BypassCheck>& checks)
{
    Json all = Json::array();
    for (const BypassCheck& check : checks)
        all.push_back(
            {{"what", check.what}, {"state", to_text(check.state)}, {"seen", check.seen}, {"remedy", check.remedy}});
    return all;
}

} // namespace

std::string bypass_json(const BypassReport& report)
{
    Json nics = Json::array();
    for (const BypassReport::PerNic& nic : report.nics)
        nics.push_back({{"name", nic.name}, {"driver", nic.driver}, {"checks", json(nic.checks)}, {"lost", nic.lost}});
    const Json whole{{"host", json(report.host)}, {"nics", std::move(nics)}};
    // Names of devices can hold any bytes.
    return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace netwright::report
