// SPDX-License-Identifier: GPL-2.0-or-later
// Recognising the host a plan was made for.
#include "apply/fingerprint.h"

#include "base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace netwright::apply {
namespace {

std::string line_or_empty(const kernel::Kernel& kernel, std::string_view path)
{
    return kernel.files.read_line(path).value_or("");
}

std::vector<std::string> nics_of(const kernel::Kernel& kernel)
{
    std::vector<std::string> nics;
    for (const std::string& name : kernel.files.list("sys/class/net").value_or(std::vector<std::string>{})) {
        const auto address = kernel.files.read_line(fmt::format("sys/class/net/{}/address", name));
        if (name != "lo" && address) nics.push_back(fmt::format("{} {}", name, *address));
    }
    return nics;
}

std::set<std::string> touched_nics(const Plan& plan)
{
    std::set<std::string> names;
    for (const Change& change : plan.changes)
        if (const auto nic = interface_of(change.tunable); !nic.empty()) names.emplace(nic);
    return names;
}

// "eth0 virtio_net 52:54:00:…": the name first, the address last.
std::string_view address_in(const std::vector<std::string>& nics, std::string_view name)
{
    for (const std::string& nic : nics) {
        const auto words = split_words(nic);
        if (words.size() >= 2 && words.front() == name && words.back().find(':') != std::string_view::npos)
            return words.back();
    }
    return {};
}

} // namespace

Result<kernel::NetworkNamespace> namespace_of(const kernel::Kernel& kernel)
{
    if (!kernel.files.is_live()) return kernel::NetworkNamespace{};
    return kernel::current_namespace();
}

Result<std::string> boot_id_of(const kernel::Kernel& kernel)
{
    return kernel.files.read_line("proc/sys/kernel/random/boot_id");
}

Result<Fingerprint> fingerprint(kernel::Kernel& kernel)
{
    const auto space = TRY(namespace_of(kernel));
    Fingerprint present;
    present.machine_id = line_or_empty(kernel, "etc/machine-id");
    present.hostname = line_or_empty(kernel, "proc/sys/kernel/hostname");
    present.kernel = line_or_empty(kernel, "proc/sys/kernel/osrelease");
    // As a snapshot tells it: the host-wide sysctls of net.core are shown in the kernel's first namespace only. A
    // container's process 1 may be in another one.
    const bool first = kernel.files.exists("proc/sys/net/core/netdev_max_backlog");
    present.network_namespace = first ? "init" : fmt::format("net:[{}]", space.inode);
    present.nics = nics_of(kernel);
    return present;
}

Result<void> compare(const Plan& plan, const Fingerprint& present)
{
    Fingerprint now = present;
    now.nics = plan.made_for.nics; // judged below, and only where the plan touches them
    auto differs = differences(plan.made_for, now);
    for (const std::string& name : touched_nics(plan)) {
        const std::string_view before = address_in(plan.made_for.nics, name), after = address_in(present.nics, name);
        if (!before.empty() && !after.empty() && before != after)
            differs.push_back(fmt::format("{} had the address {}, now {}", name, before, after));
    }
    if (differs.empty()) return {};
    return fail(Error::Kind::Mismatch,
                fmt::format("the plan was not made for this host as it is now: {} (make a new plan here)",
                            fmt::join(differs, "; ")));
}

} // namespace netwright::apply
