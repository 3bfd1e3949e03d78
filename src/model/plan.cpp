// SPDX-License-Identifier: GPL-2.0-or-later
// Which host a plan was made for, and whether another snapshot shows the same one.
#include "model/plan.h"

#include "model/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright {
namespace {

std::string nic_line(const Nic& nic)
{
    const std::string driver = nic.driver ? *nic.driver : nic.kind.empty() ? "unknown" : nic.kind;
    return fmt::format("{} {} {}", nic.name, driver, nic.address.empty() ? "no-address" : nic.address);
}

std::vector<std::string> nic_lines(const Snapshot& snapshot)
{
    std::vector<std::string> lines;
    if (!snapshot.nics) return lines;
    const bool hardware = std::ranges::any_of(*snapshot.nics, &Nic::physical);
    for (const Nic& nic : *snapshot.nics)
        if (!nic.loopback && (nic.physical || !hardware)) lines.push_back(nic_line(nic));
    std::ranges::sort(lines);
    return lines;
}

// One part of the fingerprint; silent where either side could not see it.
void compare(std::string_view what, const std::string& planned, const std::string& now, std::vector<std::string>& out)
{
    if (planned.empty() || now.empty() || planned == now) return;
    out.push_back(fmt::format("{} is {} here, the plan was made for {}", what, now, planned));
}

void compare_nics(const Fingerprint& planned, const Fingerprint& now, std::vector<std::string>& out)
{
    const auto lacks = [](const std::vector<std::string>& all, const std::string& one) {
        return std::ranges::find(all, one) == all.end();
    };
    for (const std::string& nic : planned.nics)
        if (lacks(now.nics, nic)) out.push_back(fmt::format("the interface '{}' of the plan is not here", nic));
    for (const std::string& nic : now.nics)
        if (lacks(planned.nics, nic)) out.push_back(fmt::format("the plan does not know the interface '{}'", nic));
}

} // namespace

Fingerprint fingerprint(const Snapshot& snapshot)
{
    const Surroundings& around = snapshot.surroundings;
    return Fingerprint{around.machine_id.value_or(""), around.hostname, snapshot.kernel.release,
                       around.network_namespace.value_or(""), nic_lines(snapshot)};
}

std::vector<std::string> differences(const Fingerprint& planned, const Fingerprint& now)
{
    std::vector<std::string> out;
    compare("the machine id", planned.machine_id, now.machine_id, out);
    // A host may be renamed; the name only decides where no machine id can.
    if (planned.machine_id.empty() || now.machine_id.empty())
        compare("the host name", planned.hostname, now.hostname, out);
    compare("the kernel", planned.kernel, now.kernel, out);
    compare("the network namespace", planned.network_namespace, now.network_namespace, out);
    // No interface on one side: it could not list them, or has none; a namespace of a container has at least one.
    if (!planned.nics.empty() && !now.nics.empty()) compare_nics(planned, now, out);
    return out;
}

} // namespace netwright
