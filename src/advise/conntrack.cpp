// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about tables that remember others: connection tracking and neighbours.
//
// When the connection table is full, the kernel first evicts an entry that has seen no answer (early_drop); if there is
// none nearby, the new packet is dropped. Connections already in the table go on. The limit is one for the host and is
// compared with each namespace's own count; only the first namespace may write it.
#include "model/conntrack.h"

#include "advise/remedy.h"
#include "advise/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr double filling = 0.8, nearly_full = 0.95;
constexpr std::int64_t entry_bytes = 400; // slab object and extensions, rounded up

std::string fill_text(std::uint64_t used, std::uint64_t limit)
{
    return fmt::format("{} of {} ({:.0f} %)", grouped(used), grouped(limit),
                       100.0 * static_cast<double>(used) / static_cast<double>(limit));
}

double fill(std::uint64_t used, std::uint64_t limit)
{
    return limit == 0 ? 0 : static_cast<double>(used) / static_cast<double>(limit); // 0: unlimited, up to 6.12
}

// The table; null when the module is not loaded, so there is nothing to judge.
Result<const Conntrack*> table_of(const Case& about)
{
    const auto& table = about.host.conntrack;
    if (table) return &*table;
    if (table.error().kind == Error::Kind::Absent) return nullptr;
    return std::unexpected(table.error());
}

Evidence table_evidence(std::string_view column, const Counter& counter, const Case& about)
{
    return {fmt::format("/proc/net/stat/nf_conntrack {}", column), amount(counter, about.host.interval)};
}

// Room for twice the limit in memory that is there, else nothing is proposed.
void propose_larger_table(Finding& finding, const Case& about, const Conntrack& table, std::string_view rule)
{
    constexpr std::int64_t most = 4'194'304; // 1.6 GiB; beyond that somebody should think first
    if (!table.limit || *table.limit == 0 || *table.limit > most / 2) return;
    const auto to = static_cast<std::int64_t>(*table.limit * 2);
    const auto& memory = about.host.memory;
    if (memory && static_cast<std::uint64_t>(to * entry_bytes) > memory->available.count / 4) {
        finding.advice.emplace_back("A larger table would take more than a quarter of the memory that is free.");
        return;
    }
    propose(finding, raise_sysctl(about, rule, "net.netfilter.nf_conntrack_max", Value{to},
                                  fmt::format("twice {}; up to {} of memory when full", grouped(*table.limit),
                                              to_text(Bytes{static_cast<std::uint64_t>(to * entry_bytes)}))));
    if (table.buckets && *table.buckets < static_cast<std::uint64_t>(to))
        propose(finding, raise_sysctl(about, rule, "net.netfilter.nf_conntrack_buckets", Value{to},
                                      "one bucket for each entry keeps chains short; 8 bytes a bucket"));
}

void advise_less_tracking(Finding& finding)
{
    finding.advice.emplace_back("Track less first: see which entries there are (conntrack -L), leave out traffic that "
                                "needs no state (notrack in the raw table), shorten timeouts that nobody needs.");
    finding.side_effects =
        "memory, about 400 bytes an entry; scans and garbage collection of a larger table take longer";
    finding.security =
        "A flood of new connections can fill any table: a larger one takes longer to fill and more memory.";
}

// ── connection tracking ───────────────────────────────────────────────────────────────────────────────────────────

Opinion judge_nearly_full(const Case& about)
{
    const Conntrack* table = TRY(table_of(about));
    if (table == nullptr) return std::vector<Finding>{};
    const std::uint64_t limit = TRY(table->limit);
    const double share = fill(table->count, limit);
    if (share < filling) return std::vector<Finding>{};

    Finding finding;
    finding.severity = share >= nearly_full ? Severity::High : Severity::Medium;
    finding.confidence = Confidence::Measured;
    finding.title = "The connection tracking table is nearly full";
    finding.evidence = {{"sysctl net.netfilter.nf_conntrack_count / nf_conntrack_max", fill_text(table->count, limit)}};
    finding.why = "A packet that needs a new entry is dropped when the table is full and no unanswered entry can be "
                  "evicted nearby.";
    finding.cost = "New connections fail, whatever they are for; those that exist go on.";
    propose_larger_table(finding, about, *table, "conntrack-table-nearly-full");
    advise_less_tracking(finding);
    return std::vector{std::move(finding)};
}

Opinion judge_conntrack_drops(const Case& about)
{
    const Conntrack* table = TRY(table_of(about));
    if (table == nullptr) return std::vector<Finding>{};
    const Counter drops = TRY(dropped_for_room(*table));
    const Counter evicted = TRY(sum(*table, &ConntrackCpu::early_drop));
    if (drops.total == 0 && evicted.total == 0) return std::vector<Finding>{};

    Finding finding;
    finding.severity = drops.growth != 0 ? Severity::High : evicted.growth != 0 ? Severity::Medium : Severity::Low;
    finding.confidence = drops.growth + evicted.growth != 0 ? Confidence::Measured : Confidence::SinceBoot;
    finding.title = drops.total != 0 ? "Connection tracking dropped packets because its table was full"
                                     : "Connection tracking evicts unanswered connections to make room";
    finding.evidence = {table_evidence("drop", drops, about), table_evidence("early_drop", evicted, about)};
    if (table->limit)
        finding.evidence.push_back({"sysctl net.netfilter.nf_conntrack_count / nf_conntrack_max",
                                    fill_text(table->count, std::max<std::uint64_t>(*table->limit, 1))});
    finding.why = "The table was full when these packets came. Unanswered entries go first (early_drop); where there "
                  "is none nearby, the packet is dropped. The kernel log then says \"table full, dropping packet\".";
    finding.cost = "Connection attempts time out; with early_drop, slow or one-way traffic loses its entry.";
    if (drops.growth + evicted.growth != 0) propose_larger_table(finding, about, *table, "conntrack-drops");
    advise_less_tracking(finding);
    return std::vector{std::move(finding)};
}

Opinion judge_insert_failed(const Case& about)
{
    constexpr std::uint64_t fewest = 10;
    const Conntrack* table = TRY(table_of(about));
    if (table == nullptr) return std::vector<Finding>{};
    const Counter failed = TRY(sum(*table, &ConntrackCpu::insert_failed));
    const Counter clashes = TRY(sum(*table, &ConntrackCpu::clash_resolve));
    if (failed.growth == 0 && failed.total < fewest) return std::vector<Finding>{};

    Finding finding;
    finding.severity = failed.growth >= fewest ? Severity::Medium : Severity::Low;
    finding.confidence = confidence_of(failed);
    finding.title = "Packets are lost in races for a connection tracking entry";
    finding.evidence = {table_evidence("insert_failed", failed, about), table_evidence("clashres", clashes, about)};
    finding.why = "Two packets of one UDP socket, sent at the same moment, each make an entry; address translation "
                  "makes them differ, so one cannot be inserted and its packet is dropped. DNS clients that ask for A "
                  "and AAAA together are the usual case. A translation rule with too few addresses and ports for a "
                  "destination drops likewise; a larger table helps neither.";
    finding.cost = "Name resolution that takes 5 s now and then.";
    finding.advice = {
        "A DNS cache on the node; `options single-request-reopen` or use-vc in resolv.conf; --random-fully "
        "in masquerading rules.",
        "Where many hosts share one address towards one destination: more addresses or ports in the translation "
        "rule."};
    finding.risk = Risk::Low;
    return std::vector{std::move(finding)};
}

Opinion judge_few_buckets(const Case& about)
{
    constexpr double long_chain = 4;
    const Conntrack* table = TRY(table_of(about));
    if (table == nullptr) return std::vector<Finding>{};
    const std::uint64_t buckets = TRY(table->buckets);
    const auto too_long = sum(*table, &ConntrackCpu::chain_too_long);
    const std::uint64_t refused = too_long ? too_long->growth : 0;
    if (refused == 0 && fill(table->count, buckets) < long_chain) return std::vector<Finding>{};

    Finding finding;
    finding.severity = refused != 0 ? Severity::Medium : Severity::Low;
    finding.confidence = Confidence::Measured;
    finding.title = "Connection tracking has too few hash buckets for its entries";
    finding.evidence = {{"sysctl net.netfilter.nf_conntrack_count / nf_conntrack_buckets",
                         fmt::format("{} entries in {} buckets", grouped(table->count), grouped(buckets))}};
    if (too_long) finding.evidence.push_back(table_evidence("chaintoolong", *too_long, about));
    finding.why = "Every packet looks its connection up: with many entries a bucket it walks a long chain, in memory "
                  "that is not in the cache. A chain that is too long refuses new entries.";
    finding.cost = "CPU time for each packet.";
    const auto to = static_cast<std::int64_t>(std::max(table->count, table->limit ? *table->limit : table->count));
    propose(finding, raise_sysctl(about, "conntrack-buckets-few", "net.netfilter.nf_conntrack_buckets", Value{to},
                                  "one bucket for each entry there may be; 8 bytes a bucket"));
    finding.side_effects = "packets wait for a moment while the table is hashed anew";
    return std::vector{std::move(finding)};
}

Opinion judge_established_timeout(const Case& about)
{
    constexpr std::string_view key = "net.netfilter.nf_conntrack_tcp_timeout_established";
    constexpr std::int64_t for_nat = 7440; // 2 h 4 min: RFC 5382 REQ-5
    const Conntrack* table = TRY(table_of(about));
    if (table == nullptr || !table->limit) return std::vector<Finding>{};
    const auto timeout = about.host.sysctls.number(key);
    if (!timeout) return std::vector<Finding>{};
    const auto keepalive = about.host.sysctls.number("net.ipv4.tcp_keepalive_time");
    constexpr std::int64_t a_day = 86'400;
    constexpr double half = 0.5;
    const bool hoards = *timeout > a_day && fill(table->count, *table->limit) >= half;
    const bool forgets = *timeout < std::min(for_nat, keepalive.value_or(for_nat)) && table->count != 0;
    if (!hoards && !forgets) return std::vector<Finding>{};

    Finding finding;
    finding.severity = Severity::Low;
    finding.confidence = Confidence::Derived;
    finding.title = hoards
                        ? fmt::format("Dead connections stay in the tracking table for up to {} days", *timeout / a_day)
                        : fmt::format("Idle connections are forgotten after {} s, before their keepalive", *timeout);
    finding.evidence.push_back(TRY(sysctl_evidence(about, key)));
    finding.evidence.push_back({"sysctl net.netfilter.nf_conntrack_count / nf_conntrack_max",
                                fill_text(table->count, std::max<std::uint64_t>(*table->limit, 1))});
    if (keepalive && forgets) finding.evidence.push_back(TRY(sysctl_evidence(about, "net.ipv4.tcp_keepalive_time")));
    finding.why = hoards ? "A peer that vanished leaves an established entry behind until this timeout ends."
                         : "After the timeout the next packet of the connection belongs to nobody: a stateful "
                           "firewall drops it, address translation no longer finds it.";
    finding.cost = hoards ? "The table fills with connections that are long gone." : "Idle sessions hang.";
    if (hoards)
        propose(finding, set_sysctl(about, "conntrack-established-timeout", key, Value{a_day},
                                    "one day: well above the 2 h 4 min that RFC 5382 asks of a NAT"));
    else
        propose(finding, raise_sysctl(about, "conntrack-established-timeout", key, Value{for_nat},
                                      "2 h 4 min (RFC 5382): longer than a keepalive of two hours"));
    finding.side_effects = hoards ? "sessions idle for longer than a day without keepalive lose their entry"
                                  : "entries stay longer: watch how full the table gets";
    return std::vector{std::move(finding)};
}

// ── neighbours ────────────────────────────────────────────────────────────────────────────────────────────────────

// Thresholds in the proportions of the kernel's defaults: 1/4 and 1/2 of the hard limit, without lowering any.
void propose_neighbours(Finding& finding, const Case& about, const NeighbourTable& table, std::int64_t limit)
{
    struct Threshold {
        std::string_view name;
        std::int64_t value;
    };
    for (const Threshold& threshold :
         {Threshold{"gc_thresh3", limit}, Threshold{"gc_thresh2", limit / 2}, Threshold{"gc_thresh1", limit / 4}})
        propose(finding,
                raise_sysctl(about, "neighbour-table-nearly-full",
                             fmt::format("net.{}.neigh.default.{}", table.family, threshold.name),
                             Value{threshold.value}, fmt::format("for {} entries now", grouped(table.entries))));
}

Opinion judge_neighbours(const Case& about)
{
    if (!about.host.neighbours) return std::unexpected(about.host.neighbours.error());
    std::vector<Finding> findings;
    for (const NeighbourTable& table : *about.host.neighbours) {
        const double share = table.gc_thresh3 ? fill(table.entries, *table.gc_thresh3) : 0;
        if (share < filling && table.table_fulls.total == 0) continue;
        Finding finding;
        finding.subject = table.family;
        finding.severity = table.table_fulls.growth != 0 || share >= nearly_full ? Severity::High
                           : share >= filling                                    ? Severity::Medium
                                                                                 : Severity::Low;
        finding.confidence =
            share >= filling || table.table_fulls.growth != 0 ? Confidence::Measured : Confidence::SinceBoot;
        finding.title =
            fmt::format("The {} neighbour table {} full", table.family, share >= filling ? "is nearly" : "was");
        if (table.gc_thresh3)
            finding.evidence.push_back({"neighbour entries / gc_thresh3",
                                        fill_text(table.entries, std::max<std::uint64_t>(*table.gc_thresh3, 1))});
        finding.evidence.push_back({"neighbour table_fulls", amount(table.table_fulls, about.host.interval)});
        finding.why = "One table for the whole host, containers included. At gc_thresh3 a new neighbour cannot be "
                      "added, and packets to it are dropped.";
        finding.cost = "Hosts on the same network become unreachable at random; connect() gives ENOBUFS.";
        if (table.gc_thresh3 && (share >= filling || table.table_fulls.growth != 0))
            propose_neighbours(finding, about, table,
                               static_cast<std::int64_t>(std::max(*table.gc_thresh3, table.entries) * 2));
        finding.advice.emplace_back("Smaller layer 2 networks or routed /32s keep the table small.");
        finding.side_effects = "about 512 bytes an entry";
        finding.security = "A scan of a large on-link network fills a larger table too, only later.";
        findings.push_back(std::move(finding));
    }
    return findings;
}

Opinion judge_unresolved(const Case& about)
{
    constexpr std::uint64_t fewest = 10;
    if (!about.host.neighbours) return std::unexpected(about.host.neighbours.error());
    std::vector<Finding> findings;
    for (const NeighbourTable& table : *about.host.neighbours) {
        if (table.unresolved_discards.growth < fewest) continue;
        Finding finding;
        finding.subject = table.family;
        finding.severity = Severity::Low;
        finding.confidence = Confidence::Measured;
        finding.title = "Packets are dropped while their neighbour's address is looked up";
        finding.evidence = {{"neighbour unresolved_discards", amount(table.unresolved_discards, about.host.interval)},
                            {"neighbour res_failed", amount(table.resolve_failed, about.host.interval)}};
        finding.why =
            "Until a neighbour answers, packets to it wait in a small queue (unres_qlen_bytes); what does not "
            "fit is dropped.";
        finding.cost = "Losses at the start of flows; endless ones if the neighbour does not exist.";
        finding.advice = {"ip neigh show nud failed nud incomplete names the neighbours that do not answer."};
        findings.push_back(std::move(finding));
    }
    return findings;
}

constexpr std::array rules{
    Rule{"conntrack-table-nearly-full", "Is the connection tracking table nearly full?",
         "Medium from 80 % of nf_conntrack_max, High from 95 %. Limit and buckets are raised together, to twice the "
         "limit, if the memory for it is there. Not judged where the module is not loaded.",
         "net/netfilter/nf_conntrack_core.c; Documentation/networking/nf_conntrack-sysctl.rst", judge_nearly_full},
    Rule{"conntrack-drops", "Did connection tracking drop or evict for want of room?",
         "High when drops grow, Medium when only evictions do, Low for totals since boot. Drops that are failed "
         "insertions too are not for want of room, unless the table is full now.",
         "net/netfilter/nf_conntrack_core.c __nf_conntrack_alloc", judge_conntrack_drops},
    Rule{"conntrack-insert-failed", "Are packets lost in races for a tracking entry?",
         "insert_failed: Medium from 10 between the samples, else Low.",
         "net/netfilter/nf_conntrack_core.c nf_conntrack_confirm", judge_insert_failed},
    Rule{"conntrack-buckets-few", "Are there so few buckets that chains get long?",
         "From four entries a bucket on, or when the kernel refuses entries because a chain is too long. Judged by "
         "the entries there are, not by the limit.",
         "net/netfilter/nf_conntrack_core.c; Documentation/networking/nf_conntrack-sysctl.rst", judge_few_buckets},
    Rule{"conntrack-established-timeout", "Does the timeout of established connections fit?",
         "Above one day it is told only when the table is half full; the default of five days harms nobody else. "
         "Below 2 h 4 min (RFC 5382) and below tcp_keepalive_time, idle connections are forgotten before keepalive can "
         "refresh them.",
         "RFC 5382 REQ-5; Documentation/networking/nf_conntrack-sysctl.rst", judge_established_timeout},
    Rule{"neighbour-table-nearly-full", "Is the neighbour table (ARP, NDP) nearly full?",
         "Medium from 80 % of gc_thresh3, High from 95 % or when table_fulls grows. All three thresholds are raised in "
         "their usual proportion and none is lowered.",
         "net/core/neighbour.c neigh_alloc; Documentation/networking/ip-sysctl.rst", judge_neighbours},
    Rule{"neighbour-unresolved-drops", "Are packets dropped while a neighbour is looked up?",
         "unresolved_discards that grow by 10 or more between the samples.", "net/core/neighbour.c __neigh_event_send",
         judge_unresolved},
};

} // namespace

std::span<const Rule> conntrack_rules() { return rules; }

} // namespace netwright::advise
