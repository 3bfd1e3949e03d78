// SPDX-License-Identifier: GPL-2.0-or-later
// The audit's JSON form.
#include "report/audit_json.h"

#include "report/intent_text.h"

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json; // fields stand in the order in which the format describes them

Json known(const Result<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

Json json(const std::optional<Value>& value)
{
    if (!value) return nullptr;
    if (const auto* number = std::get_if<std::int64_t>(&*value)) return *number;
    if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&*value)) return *numbers;
    return to_text(*value);
}

Json json(const Change& change)
{
    return {{"tunable", to_text(change.tunable)},
            {"from", json(change.from)},
            {"to", json(change.to)},
            {"why", change.why},
            {"risk", to_text(change.risk)},
            {"reach", to_text(change.reach)},
            {"interrupts", change.interrupts},
            {"persistence", to_text(change.persistence)}};
}

Json json(const Finding& finding)
{
    Json evidence = Json::array(), remedy = Json::array();
    for (const Evidence& item : finding.evidence)
        evidence.push_back({{"source", item.source}, {"value", item.value}});
    for (const Change& change : finding.remedy)
        remedy.push_back(json(change));
    return {{"rule", finding.rule},
            {"subject", finding.subject},
            {"severity", to_text(finding.severity)},
            {"confidence", to_text(finding.confidence)},
            {"title", finding.title},
            {"evidence", std::move(evidence)},
            {"why", finding.why},
            {"cost", finding.cost},
            {"remedy", std::move(remedy)},
            {"advice", finding.advice},
            {"risk", to_text(finding.risk)},
            {"side_effects", finding.side_effects},
            {"security", finding.security},
            {"sources", finding.sources}};
}

Json host_json(const Snapshot& snapshot)
{
    Json nics = Json::array();
    if (snapshot.nics)
        for (const Nic& nic : *snapshot.nics)
            nics.push_back({{"name", nic.name}, {"driver", known(nic.driver)}});
    return {{"hostname", snapshot.surroundings.hostname},
            {"kernel", snapshot.kernel.release},
            {"architecture", snapshot.kernel.architecture},
            {"cpus", snapshot.topology ? Json(snapshot.topology->online.count()) : Json(nullptr)},
            {"virtualisation", known(snapshot.surroundings.virtualisation)},
            {"container", known(snapshot.surroundings.container)},
            {"cloud", known(snapshot.surroundings.cloud)},
            {"network_namespace", known(snapshot.surroundings.network_namespace)},
            {"nics", snapshot.nics ? std::move(nics) : Json(nullptr)}};
}

// Numbers in base units beside the words: bit/s, nanoseconds, a share of 1.
Json intent_json(const Intent& intent)
{
    const auto answer = [](Json value, const auto& from) {
        return Json{{"value", std::move(value)}, {"given", from.given}, {"reason", from.reason}};
    };
    Json json{{"workload", answer(workloads_text(intent), intent.workload)}};
    if (intent.bandwidth)
        json["bandwidth_bits_per_second"] = answer(intent.bandwidth->value.bits_per_second, *intent.bandwidth);
    if (intent.rtt) json["rtt_ns"] = answer(intent.rtt->value.count(), *intent.rtt);
    if (intent.connections) json["connections"] = answer(intent.connections->value, *intent.connections);
    if (intent.connection_rate)
        json["connections_per_second"] = answer(intent.connection_rate->value, *intent.connection_rate);
    if (intent.loss) json["loss_share"] = answer(intent.loss->value, *intent.loss);
    if (intent.datagram_rate) json["datagrams_per_second"] = answer(intent.datagram_rate->value, *intent.datagram_rate);
    if (intent.stall) json["stall_ns"] = answer(intent.stall->value.count(), *intent.stall);
    json["risk_welcome"] = to_text(intent.welcome);
    json["protect"] = intent.protect;
    return json;
}

Json error_json(const Error& error) { return {{"kind", to_text(error.kind)}, {"what", error.what}}; }

Json not_judged_json(const Judgement& judgement)
{
    Json items = Json::array();
    for (const NotJudged& item : judgement.not_judged)
        items.push_back({{"rule", item.rule}, {"subject", item.subject}, {"reason", error_json(item.why)}});
    return items;
}

Json not_seen_json(const Snapshot& snapshot)
{
    Json items = Json::array();
    for (const Gap& gap : gaps(snapshot))
        items.push_back({{"where", gap.where}, {"reason", error_json(gap.why)}});
    return items;
}

Json summary_json(const Judgement& judgement)
{
    constexpr std::array severities{Severity::Critical, Severity::High, Severity::Medium, Severity::Low,
                                    Severity::Info};
    Json counts = Json::object();
    for (const Severity severity : severities)
        counts[std::string(to_text(severity))] = std::ranges::count(judgement.findings, severity, &Finding::severity);
    return {{"findings", judgement.findings.size()},
            {"by_severity", std::move(counts)},
            {"rules_run", judgement.rules_run},
            {"not_judged", judgement.not_judged.size()}};
}

} // namespace

std::string audit_json(const Judgement& judgement, const Snapshot& snapshot, const Intent& intent)
{
    Json findings = Json::array();
    for (const Finding& finding : judgement.findings)
        findings.push_back(json(finding));
    const std::time_t taken = std::chrono::system_clock::to_time_t(snapshot.taken);
    const Json whole{{"schema", audit_schema},
                     {"tool", snapshot.tool},
                     {"origin", snapshot.origin},
                     {"taken", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(taken))},
                     {"interval_ms", snapshot.interval.count()},
                     {"host", host_json(snapshot)},
                     {"intent", intent_json(intent)},
                     {"summary", summary_json(judgement)},
                     {"findings", std::move(findings)},
                     {"not_judged", not_judged_json(judgement)},
                     {"not_seen", not_seen_json(snapshot)}};
    return whole.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace netwright::report
