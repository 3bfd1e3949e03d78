// SPDX-License-Identifier: GPL-2.0-or-later
// Neighbour tables (ARP, NDISC): their size against their limits, from one RTM_GETNEIGHTBL dump.
#include "host/neighbour.h"

#include "base/text.h"
#include "host/address_text.h"
#include "host/collect.h"
#include "host/proc_net.h"

#include <fmt/format.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <array>

namespace netwright::host {
namespace {

using Payload = std::span<const std::byte>;
using kernel::as_structure, kernel::as_u32, kernel::each_attribute;

struct Place { // of one family's table in /proc
    std::string_view family, stat, sysctls;
};
constexpr std::array places{
    Place{"ipv4", "stat/arp_cache", "proc/sys/net/ipv4/neigh/default/"},
    Place{"ipv6", "stat/ndisc_cache", "proc/sys/net/ipv6/neigh/default/"},
};

void read_counters(NeighbourTable& table, const ndt_stats& stats)
{
    table.resolve_failed.total = stats.ndts_res_failed;
    table.forced_gc_runs.total = stats.ndts_forced_gc_runs;
    table.table_fulls.total = stats.ndts_table_fulls; // 4.3; zero before
}

Result<StatTable> stat_of(const kernel::Kernel& kernel, const Place& place)
{
    const std::string text = TRY(kernel.files.read(net_path(kernel.files, place.stat)));
    return parse_stat_table(text);
}

Result<std::uint64_t> threshold(const kernel::Kernel& kernel, const Place& place, std::string_view name)
{
    const std::string text = TRY(kernel.files.read_line(fmt::format("{}{}", place.sysctls, name)));
    return parse_unsigned(text);
}

Result<std::vector<NeighbourTable>> tables_from_netlink(kernel::Kernel& kernel)
{
    kernel::Request question(RTM_GETNEIGHTBL, NLM_F_DUMP);
    question.header(ndtmsg{});
    std::vector<NeighbourTable> tables;
    TRY_VOID(kernel.netlink->ask_whole(
        NETLINK_ROUTE, question,
        [&](const nlmsghdr& message) {
            if (auto table = parse_neighbour_table(message)) tables.push_back(*std::move(table));
        },
        [&] { tables.clear(); }));
    return tables;
}

Result<std::vector<NeighbourTable>> tables_from_files(const kernel::Kernel& kernel)
{
    std::vector<NeighbourTable> tables;
    Error why;
    for (const Place& place : places) {
        const auto stat = stat_of(kernel, place);
        if (!stat) {
            why = stat.error();
            continue;
        }
        NeighbourTable table;
        table.family = place.family;
        read_neighbour_counters(table, *stat);
        table.gc_thresh1 = threshold(kernel, place, "gc_thresh1");
        table.gc_thresh2 = threshold(kernel, place, "gc_thresh2");
        table.gc_thresh3 = threshold(kernel, place, "gc_thresh3");
        tables.push_back(std::move(table));
    }
    if (tables.empty()) return std::unexpected(why);
    return tables;
}

} // namespace

std::optional<NeighbourTable> parse_neighbour_table(const nlmsghdr& message)
{
    const auto head = kernel::fixed_part<ndtmsg>(message);
    if (message.nlmsg_type != RTM_NEWNEIGHTBL || !head || !is_internet(head->ndtm_family)) return std::nullopt;
    NeighbourTable table;
    bool whole = false;
    table.family = family_word(head->ndtm_family);
    each_attribute(message, sizeof *head, [&](std::uint16_t type, Payload payload) {
        switch (type) {
        case NDTA_CONFIG:
            table.entries = as_structure<ndt_config>(payload).ndtc_entries;
            whole = true;
            break;
        case NDTA_THRESH1:
            table.gc_thresh1 = as_u32(payload);
            break;
        case NDTA_THRESH2:
            table.gc_thresh2 = as_u32(payload);
            break;
        case NDTA_THRESH3:
            table.gc_thresh3 = as_u32(payload);
            break;
        case NDTA_STATS:
            read_counters(table, as_structure<ndt_stats>(payload));
            break;
        default:
            break;
        }
    });
    if (!whole) return std::nullopt;
    return table;
}

void read_neighbour_counters(NeighbourTable& table, const StatTable& stat)
{
    table.entries = stat.at(0, "entries").value_or(0);
    table.resolve_failed.total = stat.sum("res_failed").value_or(0);
    table.forced_gc_runs.total = stat.sum("forced_gc_runs").value_or(0);
    table.unresolved_discards.total = stat.sum("unresolved_discards").value_or(0);
    table.table_fulls.total = stat.sum("table_fulls").value_or(0);
}

Result<std::vector<NeighbourTable>> collect_neighbours(kernel::Kernel& kernel)
{
    auto tables = tables_from_netlink(kernel);
    if (!tables && tables.error().kind == Error::Kind::Unsupported) return tables_from_files(kernel);
    if (!tables) return tables;
    for (NeighbourTable& table : *tables) {
        // Netlink leaves this one counter out; the file is shown in the first namespace only.
        const Place& place = table.family == "ipv4" ? places[0] : places[1];
        if (const auto stat = stat_of(kernel, place))
            table.unresolved_discards.total = stat->sum("unresolved_discards").value_or(0);
    }
    return tables;
}

} // namespace netwright::host
