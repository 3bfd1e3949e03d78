// SPDX-License-Identifier: GPL-2.0-or-later
// RTM_GETLINK: one question for all interfaces, where a walk through sysfs needs some sixty reads for each.
#include "host/nic_link.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>

namespace netwright::host {
namespace {

using Payload = std::span<const std::byte>;
using kernel::as_text, kernel::as_u32, kernel::as_u64, kernel::as_u8, kernel::each_attribute;

// Newer than Debian 12's headers (include/uapi/linux/if_link.h of Linux 6.3).
constexpr std::uint16_t ifla_gso_ipv4_max_size = 63, ifla_gro_ipv4_max_size = 64;
constexpr unsigned iff_lower_up = 1U << 16; // <linux/if.h> and <net/if.h> exclude each other

// struct rtnl_link_stats64 in its own order; it only ever grows at its end.
constexpr std::array<std::string_view, 25> statistic_names{
    "rx_packets",       "tx_packets",        "rx_bytes",          "tx_bytes",        "rx_errors",
    "tx_errors",        "rx_dropped",        "tx_dropped",        "multicast",       "collisions",
    "rx_length_errors", "rx_over_errors",    "rx_crc_errors",     "rx_frame_errors", "rx_fifo_errors",
    "rx_missed_errors", "tx_aborted_errors", "tx_carrier_errors", "tx_fifo_errors",  "tx_heartbeat_errors",
    "tx_window_errors", "rx_compressed",     "tx_compressed",     "rx_nohandler",    "rx_otherhost_dropped",
};

std::string link_address(Payload payload)
{
    std::string text;
    for (const std::byte byte : payload)
        fmt::format_to(std::back_inserter(text), "{}{:02x}", text.empty() ? "" : ":", static_cast<unsigned>(byte));
    return text;
}

struct XdpAttribute {
    std::uint16_t type;
    std::string_view mode;
};
constexpr std::array xdp_attributes{
    XdpAttribute{IFLA_XDP_DRV_PROG_ID, "native"},
    XdpAttribute{IFLA_XDP_SKB_PROG_ID, "generic"},
    XdpAttribute{IFLA_XDP_HW_PROG_ID, "offloaded"},
};

// The three typed ids come with every attached program (net/core/rtnetlink.c rtnl_xdp_report_one, Linux 4.19);
// IFLA_XDP_PROG_ID only repeats one of them.
std::vector<XdpProgram> xdp_programs(Payload nest)
{
    std::vector<XdpProgram> programs;
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        for (const XdpAttribute& attribute : xdp_attributes)
            if (attribute.type == type) programs.push_back({std::string(attribute.mode), as_u32(payload)});
    });
    return programs;
}

std::string link_kind(Payload nest)
{
    std::string kind;
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        if (type == IFLA_INFO_KIND) kind = as_text(payload);
    });
    return kind;
}

void read_limit(SegmentLimits& limits, std::uint16_t type, Payload payload)
{
    switch (type) {
    case IFLA_GSO_MAX_SIZE:
        limits.gso_max_size = as_u32(payload);
        break;
    case IFLA_GSO_MAX_SEGS:
        limits.gso_max_segs = as_u32(payload);
        break;
    case IFLA_GRO_MAX_SIZE:
        limits.gro_max_size = as_u32(payload);
        break;
    case IFLA_TSO_MAX_SIZE:
        limits.tso_max_size = as_u32(payload);
        break;
    case IFLA_TSO_MAX_SEGS:
        limits.tso_max_segs = as_u32(payload);
        break;
    case ifla_gso_ipv4_max_size:
        limits.gso_ipv4_max_size = as_u32(payload);
        break;
    case ifla_gro_ipv4_max_size:
        limits.gro_ipv4_max_size = as_u32(payload);
        break;
    default:
        break;
    }
}

void read_attribute(Nic& nic, std::uint16_t type, Payload payload)
{
    switch (type) {
    case IFLA_IFNAME:
        nic.name = as_text(payload);
        break;
    case IFLA_ADDRESS:
        nic.address = link_address(payload);
        break;
    case IFLA_MASTER:
        nic.master = as_u32(payload);
        break;
    case IFLA_MTU:
        nic.mtu = as_u32(payload);
        break;
    case IFLA_MIN_MTU:
        nic.min_mtu = as_u32(payload);
        break;
    case IFLA_MAX_MTU:
        nic.max_mtu = as_u32(payload);
        break;
    case IFLA_TXQLEN:
        nic.txqueuelen = as_u32(payload);
        break;
    case IFLA_NUM_RX_QUEUES:
        nic.rx_queues = as_u32(payload);
        break;
    case IFLA_NUM_TX_QUEUES:
        nic.tx_queues = as_u32(payload);
        break;
    case IFLA_LINKINFO:
        nic.kind = link_kind(payload);
        break;
    case IFLA_XDP:
        nic.xdp = xdp_programs(payload);
        break;
    case IFLA_CARRIER_CHANGES:
        nic.carrier_changes = Counter{as_u32(payload), 0};
        break;
    case IFLA_STATS64:
        nic.statistics = parse_link_statistics(payload);
        break;
    case IFLA_PARENT_DEV_NAME:
        nic.physical = true;
        break; // from 5.14; nic.cpp asks sysfs on older kernels
    default:
        read_limit(nic.limits, type, payload);
        break;
    }
}

} // namespace

CounterTable parse_link_statistics(std::span<const std::byte> payload)
{
    std::vector<NamedCounter> counters;
    const std::size_t count = std::min(statistic_names.size(), payload.size() / sizeof(std::uint64_t));
    counters.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        counters.push_back({std::string(statistic_names[i]), Counter{as_u64(payload.subspan(i * 8, 8)), 0}});
    return CounterTable(std::move(counters));
}

std::optional<Nic> parse_link(const nlmsghdr& message)
{
    const auto head = kernel::fixed_part<ifinfomsg>(message);
    if (message.nlmsg_type != RTM_NEWLINK || !head) return std::nullopt;
    Nic nic;
    nic.index = static_cast<std::uint32_t>(head->ifi_index);
    nic.loopback = (head->ifi_flags & IFF_LOOPBACK) != 0;
    nic.up = (head->ifi_flags & IFF_UP) != 0;
    nic.carrier = (head->ifi_flags & iff_lower_up) != 0;
    each_attribute(message, sizeof *head,
                   [&](std::uint16_t type, Payload payload) { read_attribute(nic, type, payload); });
    if (nic.name.empty()) return std::nullopt;
    return nic;
}

Result<std::vector<Nic>> collect_links(kernel::Netlink& netlink)
{
    kernel::Request question(RTM_GETLINK, NLM_F_DUMP);
    question.header(ifinfomsg{});
    // Without it each address family adds all its per-device sysctls, five times the rest of the message.
    question.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    std::vector<Nic> nics;
    TRY_VOID(netlink.ask_whole(
        NETLINK_ROUTE, question,
        [&](const nlmsghdr& message) {
            if (auto nic = parse_link(message)) nics.push_back(*std::move(nic));
        },
        [&] { nics.clear(); }));
    return nics;
}

} // namespace netwright::host
