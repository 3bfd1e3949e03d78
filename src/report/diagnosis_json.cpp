// SPDX-License-Identifier: GPL-2.0-or-later
// The diagnosis' JSON form.
#include "report/diagnosis.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json; // fields stand in the order in which the format describes them

constexpr int diagnosis_schema = 1;

Json json(const Change& change)
{
    return {{"tunable", to_text(change.tunable)},
            {"from", change.from ? Json(to_text(*change.from)) : Json(nullptr)},
            {"to", change.to ? Json(to_text(*change.to)) : Json(nullptr)},
            {"why", change.why},
            {"risk", to_text(change.risk)},
            {"reach", to_text(change.reach)}};
}

Json json(const FoundCause& verdict)
{
    Json evidence = Json::array(), remedy = Json::array();
    for (const Evidence& item : verdict.evidence)
        evidence.push_back({{"source", item.source}, {"value", item.value}});
    for (const Change& change : verdict.remedy)
        remedy.push_back(json(change));
    return {{"cause", verdict.cause},
            {"layer", to_text(verdict.layer)},
            {"nature", to_text(verdict.nature)},
            {"severity", to_text(verdict.severity)},
            {"events", verdict.events},
            {"per_second", verdict.per_second},
            {"unit", verdict.unit},
            {"title", verdict.title},
            {"victim", verdict.victim},
            {"why", verdict.why},
            {"evidence", std::move(evidence)},
            {"confirm", verdict.confirm},
            {"remedy", std::move(remedy)},
            {"advice", verdict.advice},
            {"cost", verdict.cost},
            {"no_use", verdict.no_use},
            {"because_of", verdict.because_of.empty() ? Json(nullptr) : Json(verdict.because_of)}};
}

Json json(const Cleared& cleared)
{
    return {{"cause", cleared.cause}, {"layer", to_text(cleared.layer)}, {"what", cleared.what}};
}

Json json(const NotSeen& one) { return {{"what", one.what}, {"kind", to_text(one.why.kind)}, {"why", one.why.what}}; }

Json json(const QuietDrop& drop)
{
    return {{"reason", drop.reason}, {"location", drop.location}, {"packets", drop.packets}, {"meaning", drop.meaning}};
}

template <class T>
Json list(const std::vector<T>& values)
{
    Json array = Json::array();
    for (const T& value : values)
        array.push_back(json(value));
    return array;
}

bool is_fault(const FoundCause& verdict) { return verdict.nature == Nature::Harmful; }

} // namespace

std::string diagnosis_json(const Diagnosis& diagnosis)
{
    Json symptoms = Json::array();
    for (const Symptom symptom : diagnosis.symptoms)
        symptoms.push_back(to_text(symptom));
    const Json all{{"schema", diagnosis_schema},
                   {"host", diagnosis.host},
                   {"network_namespace", diagnosis.network},
                   {"seconds", std::chrono::duration<double>(diagnosis.interval).count()},
                   {"symptoms", std::move(symptoms)},
                   {"fault_found", std::ranges::any_of(diagnosis.causes, is_fault)},
                   {"causes", list(diagnosis.causes)},
                   {"cleared", list(diagnosis.cleared)},
                   {"not_seen", list(diagnosis.not_seen)},
                   {"harmless_drops", list(diagnosis.quiet)},
                   {"events_lost", diagnosis.events_lost},
                   {"drops_elsewhere", diagnosis.drops_elsewhere},
                   {"drops_unplaced", diagnosis.drops_unplaced}};
    return all.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace netwright::report
