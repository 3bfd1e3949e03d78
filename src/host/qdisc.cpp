// SPDX-License-Identifier: GPL-2.0-or-later
// Queueing disciplines with their counters, from one RTM_GETQDISC dump.
#include "host/qdisc.h"

#include "host/collect.h"

#include <fmt/format.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstddef>

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

// What a kind of qdisc counts beside, as it lies in TCA_STATS_APP. Kernels append members: a shorter payload simply has
// fewer counters.
struct DetailRow {
    std::string_view kind, name; // the name tc(8) gives it in JSON, where it prints it
    std::size_t offset, size;
};
#define DETAIL(kind, structure, member, name)                                                                          \
    DetailRow { kind, name, offsetof(structure, member), sizeof(structure::member) }
constexpr std::array detail_rows{
    DETAIL("codel", tc_codel_xstats, ce_mark, "ce_mark"),
    DETAIL("codel", tc_codel_xstats, drop_overlimit, "drop_overlimit"),
    DETAIL("codel", tc_codel_xstats, ecn_mark, "ecn_mark"),
    DETAIL("fq", tc_fq_qd_stats, allocation_errors, "alloc_errors"),
    DETAIL("fq", tc_fq_qd_stats, ce_mark, "ce_mark"),
    DETAIL("fq", tc_fq_qd_stats, flows_plimit, "flows_plimit"),
    DETAIL("fq", tc_fq_qd_stats, gc_flows, "gc"),
    DETAIL("fq", tc_fq_qd_stats, highprio_packets, "highprio"),
    DETAIL("fq", tc_fq_qd_stats, horizon_caps, "horizon_caps"),
    DETAIL("fq", tc_fq_qd_stats, horizon_drops, "horizon_drops"),
    DETAIL("fq", tc_fq_qd_stats, pkts_too_long, "pkts_too_long"),
    DETAIL("fq", tc_fq_qd_stats, throttled, "throttled"),
    DETAIL("fq_codel", tc_fq_codel_xstats, qdisc_stats.ce_mark, "ce_mark"),
    DETAIL("fq_codel", tc_fq_codel_xstats, qdisc_stats.drop_overlimit, "drop_overlimit"),
    DETAIL("fq_codel", tc_fq_codel_xstats, qdisc_stats.drop_overmemory, "drop_overmemory"),
    DETAIL("fq_codel", tc_fq_codel_xstats, qdisc_stats.ecn_mark, "ecn_mark"),
    DETAIL("fq_codel", tc_fq_codel_xstats, qdisc_stats.new_flow_count, "new_flow_count"),
    DETAIL("red", tc_red_xstats, early, "early"),
    DETAIL("red", tc_red_xstats, marked, "marked"),
    DETAIL("red", tc_red_xstats, other, "other"),
    DETAIL("red", tc_red_xstats, pdrop, "pdrop"),
};
#undef DETAIL

CounterTable read_details(std::string_view kind, Payload payload)
{
    if (kind == "fq_codel" && as_structure<std::uint32_t>(payload) != TCA_FQ_CODEL_XSTATS_QDISC) return {};
    std::vector<NamedCounter> counters;
    for (const DetailRow& row : detail_rows) {
        if (row.kind != kind || payload.size() < row.offset + row.size) continue;
        const Payload place = payload.subspan(row.offset, row.size);
        counters.push_back({std::string(row.name),
                            {row.size == 8 ? as_structure<std::uint64_t>(place) : as_structure<std::uint32_t>(place)}});
    }
    return CounterTable(std::move(counters));
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
        } else if (type == TCA_STATS_APP) {
            qdisc.details = read_details(qdisc.kind, payload);
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
