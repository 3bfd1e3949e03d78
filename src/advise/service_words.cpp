// SPDX-License-Identifier: GPL-2.0-or-later
// Units from cgroups (systemd.slice(5)), and drop-ins from the snapshot.
#include "advise/service_words.h"

#include "base/text.h"

#include <fmt/format.h>

namespace netwright::advise {

std::string service_of(const ProcessLimits& process)
{
    if (!process.cgroup || !process.cgroup->starts_with("/system.slice/")) return {};
    // The service may have made groups below its own: /system.slice/nginx.service/workers.
    for (const std::string_view part : split(*process.cgroup, '/'))
        if (part.ends_with(".service")) return std::string(part);
    return {};
}

std::optional<Change> set_service(const Case& about, const ProcessLimits& process, ServiceSetting::What what, Value to,
                                  std::string why)
{
    const std::string unit = service_of(process);
    const auto address = parse_tunable(fmt::format("service/{}/{}", unit, to_text(what)));
    if (unit.empty() || !address) return std::nullopt;
    Change change;
    change.tunable = *address;
    if (about.host.drop_ins)
        for (const DropInSetting& each : *about.host.drop_ins)
            if (each.unit == unit && each.name == to_text(what))
                if (auto value = parse_value(*address, each.value)) change.from = *std::move(value);
    change.to = std::move(to);
    change.why = std::move(why);
    change.risk = Risk::Low;
    change.reach = Reach::HostNew;
    return change;
}

std::string restart_advice(const std::string& unit)
{
    return fmt::format("The drop-in is in force after: systemctl daemon-reload && systemctl restart {}", unit);
}

} // namespace netwright::advise
