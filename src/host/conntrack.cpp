// SPDX-License-Identifier: GPL-2.0-or-later
// Connection tracking: the table's size and limits, and what each CPU counted.
#include "host/conntrack.h"

#include "base/text.h"
#include "host/collect.h"
#include "host/proc_net.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>

namespace netwright::host {
namespace {

using Payload = std::span<const std::byte>;

// One counter under its two names. "error" was "icmp_error" until 5.9, and
// "chaintoolong" took the column of "chainlength" in 5.15 (net/netfilter/nf_conntrack_standalone.c).
struct Row {
    Counter ConntrackCpu::* member;
    std::string_view column;
    std::uint16_t attribute;
};
constexpr std::array rows{
    Row{&ConntrackCpu::invalid, "invalid", CTA_STATS_INVALID},
    Row{&ConntrackCpu::insert, "insert", CTA_STATS_INSERT},
    Row{&ConntrackCpu::insert_failed, "insert_failed", CTA_STATS_INSERT_FAILED},
    Row{&ConntrackCpu::drop, "drop", CTA_STATS_DROP},
    Row{&ConntrackCpu::early_drop, "early_drop", CTA_STATS_EARLY_DROP},
    Row{&ConntrackCpu::error, "icmp_error", CTA_STATS_ERROR},
    Row{&ConntrackCpu::search_restart, "search_restart", CTA_STATS_SEARCH_RESTART},
    Row{&ConntrackCpu::clash_resolve, "clashres", CTA_STATS_CLASH_RESOLVE},
    Row{&ConntrackCpu::chain_too_long, "chainlength", CTA_STATS_CHAIN_TOOLONG},
};

Result<std::uint64_t> setting(const kernel::Kernel& kernel, std::string_view name)
{
    const std::string text = TRY(kernel.files.read_line("proc/sys/net/netfilter/" + std::string(name)));
    return parse_unsigned(text);
}

Result<std::vector<ConntrackCpu>> cpus_from_file(const kernel::Kernel& kernel)
{
    const std::string text = TRY(kernel.files.read(net_path(kernel.files, "stat/nf_conntrack")));
    return conntrack_cpus(TRY(parse_stat_table(text)));
}

Result<std::vector<ConntrackCpu>> cpus_from_netlink(kernel::Netlink& netlink)
{
    kernel::Request question(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS_CPU, NLM_F_DUMP);
    question.header(nfgenmsg{AF_UNSPEC, NFNETLINK_V0, 0});
    std::vector<ConntrackCpu> cpus;
    TRY_VOID(netlink.ask_whole(
        NETLINK_NETFILTER, question,
        [&](const nlmsghdr& message) {
            if (const auto cpu = parse_conntrack_cpu(message)) cpus.push_back(*cpu);
        },
        [&] { cpus.clear(); }));
    return cpus;
}

} // namespace

std::vector<ConntrackCpu> conntrack_cpus(const StatTable& stat)
{
    std::vector<ConntrackCpu> cpus(stat.rows.size());
    for (std::size_t i = 0; i < cpus.size(); ++i) {
        cpus[i].cpu = static_cast<unsigned>(i);
        for (const Row& row : rows)
            (cpus[i].*row.member).total = stat.at(i, row.column).value_or(0);
    }
    return cpus;
}

std::optional<ConntrackCpu> parse_conntrack_cpu(const nlmsghdr& message)
{
    const auto head = kernel::fixed_part<nfgenmsg>(message);
    if (message.nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS_CPU) || !head) return std::nullopt;
    ConntrackCpu cpu;
    cpu.cpu = ntohs(head->res_id);
    kernel::each_attribute(message, sizeof *head, [&](std::uint16_t type, Payload payload) {
        for (const Row& row : rows)
            if (row.attribute == type) (cpu.*row.member).total = ntohl(kernel::as_u32(payload));
    });
    return cpu;
}

Result<Conntrack> collect_conntrack(kernel::Kernel& kernel)
{
    Conntrack conntrack;
    conntrack.count = TRY(setting(kernel, "nf_conntrack_count")); // Absent: the module is not loaded
    conntrack.limit = setting(kernel, "nf_conntrack_max");
    conntrack.buckets = setting(kernel, "nf_conntrack_buckets");
    // The file first: the question over netlink would have the kernel load a module where it is missing. Kernels built
    // without CONFIG_NF_CONNTRACK_PROCFS have no file.
    conntrack.cpus = cpus_from_file(kernel);
    if (!conntrack.cpus && conntrack.cpus.error().kind == Error::Kind::Absent && kernel.files.is_live())
        conntrack.cpus = cpus_from_netlink(*kernel.netlink);
    return conntrack;
}

} // namespace netwright::host
