// SPDX-License-Identifier: GPL-2.0-or-later
// The pairs of rules that can speak of one fact, and what becomes of their findings.
#include "advise/overlap.h"

#include <algorithm>
#include <array>

namespace netwright::advise {
namespace {

constexpr std::array table{
    Overlap{"conntrack-drops", "conntrack-table-nearly-full", Shared::Nothing},
    Overlap{"congestion-control-unknown", "sysctl-drift", Shared::Subject},
    Overlap{"listen-queue-near-full", "listen-backlog-small", Shared::Subject},
    Overlap{"listen-queue-near-full", "somaxconn-small", Shared::Change},
    Overlap{"listen-queue-overflow", "listen-backlog-small", Shared::Subject},
    Overlap{"listen-queue-overflow", "listen-queue-near-full", Shared::Subject},
    Overlap{"listen-queue-overflow", "somaxconn-small", Shared::Change},
    Overlap{"listeners-in-port-range", "port-range-low", Shared::Nothing},
    Overlap{"orphans-near-limit", "connection-limits-lowered", Shared::Change},
    Overlap{"softirq-backlog-drops", "below-kernel-default", Shared::Change},
    Overlap{"softirq-time-squeeze", "softirq-budget-below-two-ticks", Shared::Change},
    Overlap{"syn-drops-without-cookies", "syn-backlog-short", Shared::Nothing},
    Overlap{"syn-drops-without-cookies", "syncookies-off", Shared::Nothing},
    Overlap{"syncookies-off", "syn-backlog-short", Shared::Nothing},
    Overlap{"sysctl-file-unread", "sysctl-drift", Shared::Subject},
    Overlap{"tcp-buffer-order", "below-kernel-default", Shared::Change},
    Overlap{"tcp-receive-buffer-below-bdp", "below-kernel-default", Shared::Change},
    Overlap{"tcp-send-buffer-below-bdp", "below-kernel-default", Shared::Change},
    Overlap{"tcp-send-buffer-limited", "below-kernel-default", Shared::Change},
    Overlap{"tcp-send-buffer-limited", "tcp-send-buffer-below-bdp", Shared::Change},
    Overlap{"tcp-standing-queue", "lossy-path-loss-based", Shared::Change},
    Overlap{"tcp-timestamps-off", "tw-reuse-without-timestamps", Shared::Nothing},
    Overlap{"time-wait-overflow", "connection-limits-lowered", Shared::Change},
    Overlap{"udp-receive-drops", "below-kernel-default", Shared::Change},
};

std::vector<std::int64_t> numbers_of(const std::optional<Value>& value)
{
    if (!value) return {};
    if (const auto* number = std::get_if<std::int64_t>(&*value)) return {*number};
    const auto* list = std::get_if<std::vector<std::int64_t>>(&*value);
    return list ? *list : std::vector<std::int64_t>{};
}

// Equal, or numbers of which none is smaller.
bool reaches(const Change& change, const Change& asked)
{
    if (change.tunable != asked.tunable) return false;
    const auto has = numbers_of(change.to), wants = numbers_of(asked.to);
    return change.to == asked.to ||
           (!wants.empty() && std::ranges::equal(has, wants, [](auto one, auto other) { return one >= other; }));
}

bool does_all_of(const Finding& stronger, const Finding& weaker)
{
    return !weaker.remedy.empty() && std::ranges::all_of(weaker.remedy, [&](const Change& asked) {
        return std::ranges::any_of(stronger.remedy, [&](const Change& change) { return reaches(change, asked); });
    });
}

bool overlap(const Overlap& row, const Finding& stronger, const Finding& weaker)
{
    if (stronger.rule != row.stronger || weaker.rule != row.weaker) return false;
    switch (row.shared) {
    case Shared::Nothing:
        return true;
    case Shared::Subject:
        return stronger.subject == weaker.subject;
    case Shared::Change:
        return does_all_of(stronger, weaker);
    }
    return false;
}

void take_over(Finding& stronger, const Finding& weaker)
{
    stronger.severity = std::max(stronger.severity, weaker.severity);
    for (const Evidence& evidence : weaker.evidence)
        if (std::ranges::find(stronger.evidence, evidence) == stronger.evidence.end())
            stronger.evidence.push_back(evidence);
}

} // namespace

std::span<const Overlap> overlaps() { return table; }

void join_overlapping(std::vector<Finding>& findings)
{
    std::vector<bool> repeated(findings.size());
    for (const Overlap& row : table)
        for (std::size_t weak = 0; weak < findings.size(); ++weak)
            for (Finding& stronger : findings)
                if (!repeated[weak] && overlap(row, stronger, findings[weak])) {
                    take_over(stronger, findings[weak]);
                    repeated[weak] = true;
                }
    std::size_t place = 0;
    std::erase_if(findings, [&](const Finding&) { return repeated[place++]; });
}

} // namespace netwright::advise
