// SPDX-License-Identifier: GPL-2.0-or-later
// One dump of all NAPI instances (Documentation/netlink/specs/netdev.yaml).
#include "host/nic_napi.h"

#include "host/netdev_family.h"

#include <algorithm>

namespace netwright::host {
namespace {

using kernel::as_u32, kernel::as_u64, kernel::each_attribute;

// include/uapi/linux/netdev.h
constexpr std::uint8_t netdev_cmd_napi_get = 11;
enum : std::uint16_t {
    napi_ifindex = 1,
    napi_id = 2,
    napi_irq = 3,
    napi_pid = 4,
    napi_defer_hard_irqs = 5, // 6.13, with the next two
    napi_gro_flush_timeout = 6,
    napi_irq_suspend_timeout = 7,
    napi_threaded = 8, // 6.17
};

} // namespace

InterfaceNapi parse_napi(std::span<const std::byte> attributes)
{
    InterfaceNapi found;
    Napi& napi = found.napi;
    each_attribute(attributes, [&](std::uint16_t type, std::span<const std::byte> payload) {
        switch (type) {
        case napi_ifindex:
            found.interface = as_u32(payload);
            break;
        case napi_id:
            napi.id = as_u32(payload);
            break;
        case napi_irq:
            napi.irq = as_u32(payload);
            break;
        case napi_pid:
            napi.pid = as_u32(payload);
            break;
        case napi_defer_hard_irqs:
            napi.defer_hard_irqs = as_u64(payload);
            break;
        case napi_gro_flush_timeout:
            napi.gro_flush_timeout_ns = as_u64(payload);
            break;
        case napi_irq_suspend_timeout:
            napi.irq_suspend_timeout_ns = as_u64(payload);
            break;
        case napi_threaded:
            napi.threaded = as_u64(payload) != 0;
            break;
        default:
            break;
        }
    });
    return found;
}

void read_napis(kernel::Netlink& netlink, std::vector<Nic>& nics)
{
    const auto napis = dump_netdev(netlink, netdev_cmd_napi_get, parse_napi);
    for (Nic& nic : nics) {
        if (!napis) {
            nic.napis = std::unexpected(napis.error());
            continue;
        }
        nic.napis = std::vector<Napi>();
        for (const InterfaceNapi& found : *napis)
            if (found.interface == nic.index) nic.napis->push_back(found.napi);
        std::ranges::sort(*nic.napis, {}, &Napi::id); // the kernel lists the newest first
    }
}

} // namespace netwright::host
