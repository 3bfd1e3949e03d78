// SPDX-License-Identifier: GPL-2.0-or-later
// Queueing disciplines with their counters, from one RTM_GETQDISC dump.
#include "host/qdisc.h"

#include "host/collect.h"

#include <fmt/format.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace netwright::host {
namespace {

using Payload = std::span<const std::byte>;
using kernel::as_structure, kernel::as_u64, kernel::each_attribute;

// As tc(8) writes them: "root", "ingress", "8001:" for a qdisc, "8001:1" for a class, ":1" without a major.
std::string handle_text(std::uint32_t handle)
{
    if (handle == TC_H_ROOT) return "root";
    if (handle == TC_H_INGRESS) return "ingress"; // and clsact: the same number
    const unsigned major = handle >> 16, minor = handle & 0xffff;
    if (minor == 0) return fmt::format("{:x}:", major);
    return major == 0 ? fmt::format(":{:x}", minor) : fmt::format("{:x}:{:x}", major, minor);
}

void read_queue(Qdisc& qdisc, const gnet_stats_queue& queue)
{
    qdisc.queued_packets = queue.qlen;
    qdisc.backlog_bytes = queue.backlog;
    qdisc.drops.total = queue.drops;
    qdisc.requeues.total = queue.requeues;
    qdisc.overlimits.total = queue.overlimits;
}

void read_statistics(Qdisc& qdisc, Payload nest)
{
    each_attribute(nest, [&](std::uint16_t type, Payload payload) {
        if (type == TCA_STATS_BASIC) {
            const auto basic = as_structure<gnet_stats_basic>(payload);
            qdisc.bytes.total = basic.bytes;
            qdisc.packets.total = basic.packets;
        } else if (type == TCA_STATS_PKT64) { // only when the 32 bits above are too few (net/core/gen_stats.c)
            qdisc.packets.total = as_u64(payload);
        } else if (type == TCA_STATS_QUEUE) {
            read_queue(qdisc, as_structure<gnet_stats_queue>(payload));
        }
    });
}

} // namespace

std::optional<Qdisc> parse_qdisc(const nlmsghdr& message, const NameOf& name_of)
{
    const auto head = kernel::fixed_part<tcmsg>(message);
    if (message.nlmsg_type != RTM_NEWQDISC || !head) return std::nullopt;
    Qdisc qdisc;
    qdisc.handle = fmt::format("{:x}:", head->tcm_handle >> 16);
    qdisc.parent = handle_text(head->tcm_parent);
    each_attribute(message, sizeof *head, [&](std::uint16_t type, Payload payload) {
        if (type == TCA_KIND) qdisc.kind = kernel::as_text(payload);
        if (type == TCA_STATS2) read_statistics(qdisc, payload);
    });
    if (qdisc.kind.empty()) return std::nullopt;
    qdisc.nic = name_of(static_cast<std::uint32_t>(head->tcm_ifindex));
    return qdisc;
}

Result<std::vector<Qdisc>> collect_qdiscs(kernel::Kernel& kernel)
{
    InterfaceNames names(kernel);
    kernel::Request question(RTM_GETQDISC, NLM_F_DUMP);
    question.header(tcmsg{});
    std::vector<Qdisc> qdiscs;
    TRY_VOID(kernel.netlink->ask_whole(
        NETLINK_ROUTE, question,
        [&](const nlmsghdr& message) {
            if (auto qdisc = parse_qdisc(message, std::ref(names))) qdiscs.push_back(*std::move(qdisc));
        },
        [&] { qdiscs.clear(); }));
    return qdiscs;
}

} // namespace netwright::host
