// SPDX-License-Identifier: GPL-2.0-or-later
// What the host lacks for what it is for, and where its workloads clash.
#include "advise/remedy.h"
#include "advise/workloads.h"
#include "catalog/formulas.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace netwright::advise {
namespace {

constexpr Bytes idle_connection{3994};    // kernel memory of one end of a connection without data, 6.18
constexpr double most_for_sockets = 0.60; // of the memory; the programs need the rest

bool wanted_here(const Workloads& who, const Intent& intent)
{
    return std::ranges::any_of(workloads(intent), [&](Workload one) { return who.has(one); });
}

std::string names_of(const Workloads& who, const Intent& intent)
{
    std::string text;
    for (const Workload one : workloads(intent))
        if (who.has(one)) text += fmt::format("{}{}", text.empty() ? "" : ", ", to_text(one));
    return text;
}

Evidence workload_evidence(const Intent& intent)
{
    return {"intent workload", fmt::format("{} ({})", workloads_text(intent), intent.workload.reason)};
}

// --- settings ---

struct Demand {
    const Wish* wish;
    Value value;
};

bool already(const Wish& wish, const Result<std::int64_t>& now, const Value& wanted)
{
    const auto* const number = std::get_if<std::int64_t>(&wanted);
    if (!now || number == nullptr) return false;
    if (wish.sense == Sense::AtLeast) return *now >= *number;
    return wish.sense == Sense::AtMost ? *now <= *number : *now == *number;
}

// Of two workloads that want another value, who prevails: the larger capacity, the shorter patience, else the first.
bool prevails(const Demand& one, const Demand& other)
{
    const auto* const a = std::get_if<std::int64_t>(&one.value);
    const auto* const b = std::get_if<std::int64_t>(&other.value);
    if (a == nullptr || b == nullptr) return false;
    return (one.wish->sense == Sense::AtLeast && *a > *b) || (one.wish->sense == Sense::AtMost && *a < *b);
}

Result<std::vector<Demand>> demands_on(const Case& about, std::string_view key)
{
    std::vector<Demand> all;
    for (const Wish& wish : wishes()) {
        if (wish.key != key || !wanted_here(wish.wanted_by, about.intent)) continue;
        auto value = TRY(wish.formula(about));
        if (value) all.push_back({&wish, *std::move(value)});
    }
    return all;
}

std::string conflict(const std::vector<Demand>& all, const Demand& chosen, const Intent& intent)
{
    for (const Demand& other : all)
        if (other.value != chosen.value)
            return fmt::format(" Conflict: {} would take {}; {} prevails.", names_of(other.wish->wanted_by, intent),
                               to_text(other.value), names_of(chosen.wish->wanted_by, intent));
    return {};
}

void add_inputs(const Case& about, Finding& finding)
{
    const Intent& intent = about.intent;
    if (intent.connections)
        finding.evidence.push_back({"intent connections", fmt::format("{} ({})", grouped(intent.connections->value),
                                                                      intent.connections->reason)});
    if (intent.datagram_rate)
        finding.evidence.push_back(
            {"intent datagram rate",
             fmt::format("{}/s ({})", grouped(intent.datagram_rate->value), intent.datagram_rate->reason)});
}

Finding setting_finding(const Case& about, const std::vector<Demand>& all, const Demand& chosen)
{
    const Wish& wish = *chosen.wish;
    const std::string who = names_of(wish.wanted_by, about.intent);
    Finding finding = finding_of(Severity::Low, wish.confidence,
                                 fmt::format("{}: {} should be {}", who, wish.key, to_text(chosen.value)));
    finding.subject = wish.key;
    note(finding, sysctl_evidence(about, wish.key));
    finding.evidence.push_back(workload_evidence(about.intent));
    if (wish.confidence == Confidence::Derived) add_inputs(about, finding);
    const std::string clash = conflict(all, chosen, about.intent);
    finding.why = fmt::format("{}.{}", wish.why, clash);
    finding.cost = "the host is less good at what it is for than it could be; nothing is broken";
    const std::string reason = fmt::format("{}: {}; {}{}{}", who, wish.how, wish.why, clash.empty() ? "" : ".", clash);
    propose(finding, wish.sense == Sense::AtLeast
                         ? raise_sysctl(about, "workload-setting", wish.key, chosen.value, reason)
                         : set_sysctl(about, "workload-setting", wish.key, chosen.value, reason));
    finding.side_effects = wish.effects;
    return finding;
}

Result<std::optional<Finding>> judge_key(const Case& about, std::string_view key)
{
    const auto now = about.host.sysctls.text(key);
    if (!now && now.error().kind == Error::Kind::Absent) return std::nullopt; // this kernel or namespace has none
    const auto all = TRY(demands_on(about, key));
    if (all.empty()) return std::nullopt;
    const Demand* chosen = &all.front();
    for (const Demand& one : all)
        if (prevails(one, *chosen)) chosen = &one;
    if (already(*chosen->wish, about.host.sysctls.number(key), chosen->value)) return std::nullopt;
    return setting_finding(about, all, *chosen);
}

Opinion judge_settings(const Case& about)
{
    std::vector<Finding> findings;
    if (!about.intent.workload.given) return findings;
    std::set<std::string_view> seen;
    for (const Wish& wish : wishes()) {
        if (!wanted_here(wish.wanted_by, about.intent) || !seen.insert(wish.key).second) continue;
        auto finding = TRY(judge_key(about, wish.key));
        if (finding) findings.push_back(*std::move(finding));
    }
    return findings;
}

// --- what people do ---

Opinion judge_advice(const Case& about)
{
    std::vector<Finding> findings;
    if (!about.intent.workload.given) return findings;
    Finding finding = finding_of(Severity::Info, Confidence::Convention,
                                 fmt::format("{}: what only people can do", workloads_text(about.intent)));
    finding.evidence.push_back(workload_evidence(about.intent));
    for (const Counsel& counsel : counsels())
        if (wanted_here(counsel.for_whom, about.intent)) finding.advice.emplace_back(counsel.text);
    if (finding.advice.empty()) return findings;
    finding.why = "Much of what such a host gains is in programs and devices that netwright does not set.";
    finding.cost = "none that is seen here";
    finding.side_effects = "none: advice only";
    findings.push_back(std::move(finding));
    return findings;
}

// --- two workloads on one host ---

bool clash(const Clash& row, Workload a, Workload b)
{
    return (row.one.has(a) && row.other.has(b)) || (row.one.has(b) && row.other.has(a));
}

Finding clash_finding(const Case& about, const Clash& row, Workload a, Workload b)
{
    Finding finding = finding_of(Severity::Low, Confidence::Convention,
                                 fmt::format("{} and {} on one host want opposite things", to_text(a), to_text(b)));
    finding.subject = fmt::format("{}, {}", to_text(a), to_text(b));
    finding.evidence.push_back(workload_evidence(about.intent));
    finding.why = fmt::format("It is about {}.", row.about);
    finding.cost = "whatever is chosen, one of the two gets less than alone on a host";
    // A plan shows advice without the rest of its finding: it names both there too.
    finding.advice.push_back(
        fmt::format("{} and {} conflict over {}; {}", to_text(a), to_text(b), row.about, row.answer));
    finding.side_effects = "none: advice only";
    return finding;
}

Opinion judge_clashes(const Case& about)
{
    std::vector<Finding> findings;
    const auto named = workloads(about.intent);
    for (const Clash& row : clashes())
        for (std::size_t i = 0; i < named.size(); ++i)
            for (std::size_t j = i + 1; j < named.size(); ++j)
                if (clash(row, named[i], named[j])) findings.push_back(clash_finding(about, row, named[i], named[j]));
    return findings;
}

Opinion judge_connection_memory(const Case& about)
{
    if (!about.intent.connections || !serves(about.intent, Workload::IdleConnections)) return std::vector<Finding>{};
    if (!about.host.memory) return std::unexpected(about.host.memory.error());
    const Bytes need{about.intent.connections->value * idle_connection.count};
    const double share = static_cast<double>(need.count) / static_cast<double>(about.host.memory->total.count);
    if (share < most_for_sockets) return std::vector<Finding>{};
    Finding finding = finding_of(Severity::High, Confidence::Derived,
                                 fmt::format("{} connections need {:.0f} % of the memory before they say a word",
                                             grouped(about.intent.connections->value), share * 100));
    finding.evidence = {{"intent connections", fmt::format("{} ({})", grouped(about.intent.connections->value),
                                                           about.intent.connections->reason)},
                        {"MemTotal of /proc/meminfo", to_text(about.host.memory->total)},
                        {"kernel memory of one idle connection", to_text(idle_connection)}};
    finding.why = fmt::format("{} x {} = {}: sockets, files and epoll entries, without a byte of data or the program's "
                              "own memory.",
                              grouped(about.intent.connections->value), to_text(idle_connection), to_text(need));
    finding.cost = "the host runs out of memory and ends programs";
    finding.advice = {"fewer connections a host, or more memory"};
    finding.side_effects = "none: advice only";
    return std::vector{std::move(finding)};
}

constexpr std::string_view workload_sources = "Documentation/networking/ip-sysctl.rst; net/ipv4; catalog";

constexpr std::array rules{
    Rule{"workload-setting", "Does the host have what its workload wants?",
         "Judged only for workloads that a person named. Each setting has a formula over inputs (connections, rates, "
         "the "
         "longest pause) or counters, or is a convention for such hosts; conventions need --workload to enter a plan. "
         "Of "
         "two workloads that want different values the larger capacity and the shorter patience prevail, and the "
         "finding "
         "names the conflict. `netwright plan --workload help` lists them all.",
         workload_sources, judge_settings},
    Rule{"workload-advice", "What does the workload ask of its programs and its network?",
         "One finding with what no setting of this host can do. It changes nothing.", workload_sources, judge_advice},
    Rule{
        "workloads-conflict", "Do two workloads on this host want opposite things?",
        "Judged when several workloads were named. What each wants stays as it is in the other rules; this names where "
        "they pull in different directions, and what to do instead of averaging.",
        workload_sources, judge_clashes},
    Rule{
        "connection-memory-short", "Is there memory for so many idle connections?",
        "For hosts of very many idle connections: 3994 bytes of kernel memory for one end of a connection, as measured "
        "on 6.18 with 9000 of them, against 60 % of MemTotal.",
        "net/core/sock.c sk_prot_alloc; fs/eventpoll.c", judge_connection_memory},
};

} // namespace

std::span<const Rule> workload_rules() { return rules; }

} // namespace netwright::advise
