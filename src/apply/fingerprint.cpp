// SPDX-License-Identifier: GPL-2.0-or-later
// Recognising the host a plan was made for.
#include "apply/fingerprint.h"

#include "base/text.h"

#include <fmt/format.h>

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

Result<void> same_word(std::string_view what, std::string_view planned, std::string_view present)
{
    if (planned.empty() || planned == present) return {};
    return fail(Error::Kind::Mismatch, fmt::format("the plan was made for {} '{}', this is '{}': make a new plan here",
                                                   what, planned, present));
}

std::set<std::string> touched_nics(const Plan& plan)
{
    std::set<std::string> names;
    for (const Change& change : plan.changes) {
        if (const auto* link = std::get_if<LinkSetting>(&change.tunable)) names.insert(link->nic);
        if (const auto* queue = std::get_if<QueueSetting>(&change.tunable)) names.insert(queue->nic);
    }
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
    present.network_namespace = space.initial ? "init" : fmt::format("net:[{}]", space.inode);
    present.nics = nics_of(kernel);
    return present;
}

Result<void> compare(const Plan& plan, const Fingerprint& present)
{
    const Fingerprint& planned = plan.made_for;
    TRY_VOID(same_word("machine", planned.machine_id, present.machine_id));
    if (planned.machine_id.empty()) TRY_VOID(same_word("host", planned.hostname, present.hostname));
    TRY_VOID(same_word("kernel", planned.kernel, present.kernel));
    TRY_VOID(same_word("network namespace", planned.network_namespace, present.network_namespace));
    for (const std::string& name : touched_nics(plan)) {
        const std::string_view before = address_in(planned.nics, name), now = address_in(present.nics, name);
        if (!before.empty() && !now.empty()) TRY_VOID(same_word("interface " + name, before, now));
    }
    return {};
}

} // namespace netwright::apply
