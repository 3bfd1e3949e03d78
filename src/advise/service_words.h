// SPDX-License-Identifier: GPL-2.0-or-later
// From a process to its systemd service, and changes of what a drop-in tells about it.
#pragma once

#include "advise/rule.h"

#include <optional>
#include <string>

namespace netwright::advise {

// "/system.slice/nginx.service" is nginx.service; "" for processes of sessions, containers and of nobody.
std::string service_of(const ProcessLimits& process);
// The change in a drop-in of our own; nothing for a process without a service. In force when the service starts next.
std::optional<Change> set_service(const Case& about, const ProcessLimits& process, ServiceSetting::What what, Value to,
                                  std::string why);
// What a person has to do after such a change.
std::string restart_advice(const std::string& unit);

} // namespace netwright::advise
