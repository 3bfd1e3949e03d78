// SPDX-License-Identifier: GPL-2.0-or-later
// Queues, NUMA place and NAPI settings from sysfs. One buffer is used for all reads: a host may have hundreds of
// queues.
#include "host/nic_sysfs.h"

#include "base/text.h"
#include "host/nic_interrupts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace netwright::host {
namespace {

class Device {
public:
    Device(const kernel::Files& files, const Nic& nic) : files_(files), base_("sys/class/net/" + nic.name + "/") {}

    // The text of a file below the interface's directory, trimmed; valid until the next call.
    Result<std::string_view> text(std::string_view name)
    {
        path_.assign(base_).append(name);
        TRY_VOID(files_.read_into(path_, buffer_));
        return trim(buffer_);
    }
    Result<std::string> copy(std::string_view name) { return std::string(TRY(text(name))); }
    Result<std::uint64_t> number(std::string_view name)
    {
        const std::string_view word = TRY(text(name));
        return parse_unsigned(word);
    }
    Result<CpuSet> mask(std::string_view name)
    {
        const std::string_view word = TRY(text(name));
        return CpuSet::parse_mask(word);
    }
    Result<std::vector<std::string>> list(std::string_view name)
    {
        return files_.list(path_.assign(base_).append(name));
    }

private:
    const kernel::Files& files_;
    std::string base_, path_, buffer_;
};

Queue read_queue(Device& device, std::string name)
{
    Queue queue;
    const std::string directory = "queues/" + name + "/";
    if (name.starts_with("rx-")) {
        queue.cpus = device.mask(directory + "rps_cpus");
        queue.flow_count = device.number(directory + "rps_flow_cnt");
    } else {
        queue.cpus = device.mask(directory + "xps_cpus");
        queue.xps_rxqs = device.copy(directory + "xps_rxqs");
    }
    queue.name = std::move(name);
    return queue;
}

// "rx-10" after "rx-2": by side, then by number.
bool queue_before(const std::string& a, const std::string& b)
{
    return std::pair(a.substr(0, 2), a.size()) != std::pair(b.substr(0, 2), b.size())
               ? std::pair(a.substr(0, 2), a.size()) < std::pair(b.substr(0, 2), b.size())
               : a < b;
}

Result<std::vector<Queue>> read_queues(Device& device)
{
    std::vector<std::string> names = TRY(device.list("queues"));
    std::ranges::sort(names, queue_before);
    std::vector<Queue> queues;
    queues.reserve(names.size());
    for (std::string& name : names)
        queues.push_back(read_queue(device, std::move(name)));
    return queues;
}

Result<bool> read_threaded(Device& device) { return TRY(device.number("threaded")) != 0; }

Result<int> read_node(Device& device, const std::string& place)
{
    const std::string_view text = TRY(device.text(place + "numa_node"));
    return static_cast<int>(TRY(parse_int(text)));
}

Result<CpuSet> read_local_cpus(Device& device, const std::string& place)
{
    const std::string_view text = TRY(device.text(place + "local_cpulist"));
    return CpuSet::parse_list(text);
}

Result<VirtualFunctions> read_virtual_functions(Device& device, const std::string& place)
{
    VirtualFunctions functions;
    functions.configured = static_cast<std::uint32_t>(TRY(device.number(place + "sriov_numvfs")));
    functions.possible = static_cast<std::uint32_t>(TRY(device.number(place + "sriov_totalvfs")));
    return functions;
}

// A virtio device stands on a PCI device, and that one knows its place and has the interrupts. Nobody else's parent is
// looked at: above a PCI card there may be a bridge with interrupts of its own.
std::string bus_place(const kernel::Files& files, const Nic& nic)
{
    const auto subsystem = files.link("sys/class/net/" + nic.name + "/device/subsystem");
    return subsystem && subsystem->ends_with("/virtio") ? "device/../" : "device/";
}

void read_bus_device(const kernel::Files& files, Nic& nic)
{
    Device device(files, nic);
    const std::string place = bus_place(files, nic);
    nic.node = read_node(device, place);
    nic.local_cpus = read_local_cpus(device, place);
    nic.virtual_functions = read_virtual_functions(device, place);
    nic.interrupts = read_interrupts(files, "sys/class/net/" + nic.name + "/" + place);
}

void no_bus_device(Nic& nic)
{
    const Error why{Error::Kind::Absent, nic.name + ": no device of a bus stands behind this interface"};
    nic.node = std::unexpected(why);
    nic.local_cpus = std::unexpected(why);
    nic.virtual_functions = std::unexpected(why);
    nic.interrupts = std::unexpected(why);
}

} // namespace

void read_sysfs(const kernel::Files& files, Nic& nic)
{
    if (nic.physical)
        read_bus_device(files, nic);
    else
        no_bus_device(nic);
    Device device(files, nic);
    nic.queues = read_queues(device);
    nic.gro_flush_timeout_ns = device.number("gro_flush_timeout");
    nic.napi_defer_hard_irqs = device.number("napi_defer_hard_irqs");
    nic.threaded = read_threaded(device);
}

} // namespace netwright::host
