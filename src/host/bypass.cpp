// SPDX-License-Identifier: GPL-2.0-or-later
// Huge page pools, IOMMU groups and VFIO from sysfs; XDP features from the netdev family.
#include "host/bypass.h"

#include "base/text.h"
#include "host/netdev_family.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::host {
namespace {

using kernel::as_u32, kernel::as_u64, kernel::each_attribute;

// include/uapi/linux/netdev.h
constexpr std::uint8_t netdev_cmd_dev_get = 1;
enum : std::uint16_t { dev_ifindex = 1, dev_xdp_features = 3, dev_xdp_zc_max_segs = 4 };
enum : std::uint64_t { act_basic = 1, act_redirect = 2, act_ndo_xmit = 4, act_xsk_zerocopy = 8, act_rx_sg = 32 };

constexpr std::string_view pools = "sys/kernel/mm/hugepages";

Result<std::uint64_t> number(const kernel::Files& files, const std::string& path)
{
    const std::string text = TRY(files.read_line(path));
    return parse_unsigned(trim(text));
}

// "hugepages-2048kB"
Result<std::vector<HugePagePool>> read_huge_pages(const kernel::Files& files)
{
    constexpr std::string_view prefix = "hugepages-", suffix = "kB";
    std::vector<HugePagePool> found;
    for (const std::string& name : TRY(files.list(pools))) {
        if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
        const auto size =
            parse_unsigned(std::string_view(name).substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
        const std::string room = fmt::format("{}/{}/", pools, name);
        if (size)
            found.push_back({Bytes{*size * 1024}, number(files, room + "nr_hugepages").value_or(0),
                             number(files, room + "free_hugepages").value_or(0)});
    }
    std::ranges::sort(found, {}, [](const HugePagePool& pool) { return pool.page_size; });
    return found;
}

Result<std::vector<std::string>> read_hugetlbfs(const kernel::Files& files)
{
    return parse_hugetlbfs(TRY(files.read("proc/self/mounts")));
}

Result<std::uint64_t> count_groups(const kernel::Files& files)
{
    const auto groups = files.list("sys/kernel/iommu_groups");
    if (groups) return groups->size();
    if (groups.error().kind == Error::Kind::Absent) return 0;
    return std::unexpected(groups.error());
}

// "../../../../kernel/iommu_groups/17"
Result<std::uint64_t> group_of(const kernel::Files& files, const std::string& nic)
{
    for (const char* device : {"device", "device/.."}) { // a virtio device stands on a PCI device
        const auto link = files.link(fmt::format("sys/class/net/{}/{}/iommu_group", nic, device));
        if (link) return parse_unsigned(std::string_view(*link).substr(link->rfind('/') + 1));
    }
    return fail(Error::Kind::Absent, nic + ": its device is in no IOMMU group");
}

Result<XdpSupport> support_of(const Result<std::vector<DeviceXdp>>& devices, std::uint32_t index)
{
    if (!devices) return std::unexpected(devices.error());
    const auto found = std::ranges::find(*devices, index, &DeviceXdp::interface);
    if (found == devices->end()) return fail(Error::Kind::Absent, "the kernel does not tell of this interface");
    return found->support;
}

std::string use_of(const Snapshot& host, const Nic& nic)
{
    if (!host.routes) return {};
    for (const Route& route : *host.routes)
        if (route.nic == nic.name && route.destination == "default") return "default route";
    for (const Route& route : *host.routes)
        if (route.nic == nic.name && route.type == "unicast") return "route to " + route.destination;
    return {};
}

Result<bool> has_af_xdp(const Snapshot& host)
{
    if (!host.kernel.config) return std::unexpected(host.kernel.config.error());
    return std::ranges::any_of(*host.kernel.config, [](const ConfigOption& option) {
        return option.name == "CONFIG_XDP_SOCKETS" && option.value == "y";
    });
}

} // namespace

std::vector<std::string> parse_hugetlbfs(std::string_view mounts)
{
    std::vector<std::string> places;
    for (std::string_view line; next_line(mounts, line);) {
        const auto words = split_words(line);
        if (words.size() > 2 && words[2] == "hugetlbfs") places.emplace_back(words[1]);
    }
    return places;
}

DeviceXdp parse_device_xdp(std::span<const std::byte> attributes)
{
    DeviceXdp device;
    each_attribute(attributes, [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == dev_ifindex) device.interface = as_u32(payload);
        if (type == dev_xdp_zc_max_segs) device.support.segments = as_u32(payload);
        if (type != dev_xdp_features) return;
        const std::uint64_t bits = as_u64(payload);
        device.support.native = (bits & act_basic) != 0;
        device.support.redirect = (bits & act_redirect) != 0;
        device.support.transmit = (bits & act_ndo_xmit) != 0;
        device.support.zero_copy = (bits & act_xsk_zerocopy) != 0;
        device.support.multi_buffer = (bits & act_rx_sg) != 0;
    });
    return device;
}

BypassFacts collect_bypass(kernel::Kernel& kernel, const Snapshot& host)
{
    BypassFacts facts;
    facts.huge_pages = read_huge_pages(kernel.files);
    facts.hugetlbfs = read_hugetlbfs(kernel.files);
    facts.iommu_groups = count_groups(kernel.files);
    facts.vfio_pci = kernel.files.exists("sys/bus/pci/drivers/vfio-pci");
    const auto no_iommu = kernel.files.read_line("sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
    facts.vfio_no_iommu = no_iommu && trim(*no_iommu) == "Y";
    facts.af_xdp = has_af_xdp(host);
    facts.command_line = host.kernel.command_line;
    const auto devices = dump_netdev(*kernel.netlink, netdev_cmd_dev_get, parse_device_xdp);
    for (const Nic& nic : host.nics ? *host.nics : std::vector<Nic>{}) {
        if (!nic.physical || nic.loopback) continue;
        const std::string use = use_of(host, nic);
        facts.nics.push_back({nic.name, nic.driver.value_or(""), !use.empty(), use, support_of(devices, nic.index),
                              group_of(kernel.files, nic.name)});
    }
    return facts;
}

} // namespace netwright::host
