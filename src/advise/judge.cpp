// SPDX-License-Identifier: GPL-2.0-or-later
// Runs rules over a snapshot: asks each one about its subjects, keeps what it could not judge, and ranks the findings.
#include "advise/overlap.h"
#include "advise/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace netwright::advise {
namespace {

constexpr std::size_t evidence_kept = 8; // of several sockets that share one address and port (SO_REUSEPORT)

// What one rule said, before ranking.
struct Voice {
    std::vector<Finding> findings;
    std::vector<NotJudged> not_judged;
    bool looked = true; // at least one subject was judged, or there was none to judge
};

// Several listening sockets on one address are one subject to people: their evidence stands together.
bool joined_to_same_subject(std::vector<Finding>& findings, const Finding& finding)
{
    const auto same = [&](const Finding& other) { return other.subject == finding.subject; };
    const auto first = std::ranges::find_if(findings, same);
    if (first == findings.end()) return false;
    for (const Evidence& evidence : finding.evidence)
        if (first->evidence.size() < evidence_kept &&
            std::ranges::find(first->evidence, evidence) == first->evidence.end())
            first->evidence.push_back(evidence);
    return true;
}

void complete(const Rule& rule, const std::string& subject, Finding& finding)
{
    finding.rule = rule.id;
    if (finding.subject.empty()) finding.subject = subject;
    if (finding.sources.empty()) finding.sources.emplace_back(rule.source);
    for (Change& change : finding.remedy) {
        if (change.because.empty()) change.because.emplace_back(rule.id);
        if (change.persistence == Persistence::None) change.persistence = natural_persistence(change.tunable);
    }
    ENSURE(!finding.evidence.empty());
}

void listen_to(Voice& voice, const Rule& rule, const std::string& subject, Opinion opinion)
{
    if (!opinion) {
        voice.not_judged.push_back({std::string(rule.id), subject, std::move(opinion).error()});
        return;
    }
    voice.looked = true;
    for (Finding& finding : *opinion) {
        complete(rule, subject, finding);
        const bool listener = std::holds_alternative<JudgeListener>(rule.judge);
        if (!listener || !joined_to_same_subject(voice.findings, finding)) voice.findings.push_back(std::move(finding));
    }
}

Voice ask(const Rule& rule, JudgeHost judge_host, const Case& about)
{
    Voice voice{.findings = {}, .not_judged = {}, .looked = false};
    listen_to(voice, rule, "", judge_host(about));
    return voice;
}

// The rule could not even see its subjects.
Voice blind(const Rule& rule, const Error& why)
{
    return {.findings = {}, .not_judged = {{std::string(rule.id), "", why}}, .looked = false};
}

Voice ask(const Rule& rule, JudgeNic judge_nic, const Case& about)
{
    if (!about.host.nics) return blind(rule, about.host.nics.error());
    Voice voice{.findings = {}, .not_judged = {}, .looked = about.host.nics->empty()};
    for (const Nic& nic : *about.host.nics)
        listen_to(voice, rule, nic.name, judge_nic(nic, about));
    return voice;
}

Voice ask(const Rule& rule, JudgeListener judge_listener, const Case& about)
{
    if (!about.host.sockets) return blind(rule, about.host.sockets.error());
    Voice voice{.findings = {}, .not_judged = {}, .looked = about.host.sockets->listeners.empty()};
    for (const Listener& listener : about.host.sockets->listeners)
        listen_to(voice, rule, subject_of(listener), judge_listener(listener, about));
    return voice;
}

bool ranks_before(const Finding& a, const Finding& b)
{
    const auto rank = [](const Finding& finding) {
        return std::tuple(finding.confidence == Confidence::Convention, -static_cast<int>(finding.severity),
                          -static_cast<int>(finding.confidence), std::string_view(finding.rule),
                          std::string_view(finding.subject));
    };
    return rank(a) < rank(b);
}

} // namespace

std::string subject_of(const Listener& listener)
{
    const bool ipv6 = listener.address.find(':') != std::string::npos;
    return ipv6 ? fmt::format("[{}]:{}", listener.address, listener.port)
                : fmt::format("{}:{}", listener.address, listener.port);
}

Judgement judge(std::span<const Rule> rules, const Snapshot& host, const Intent& intent)
{
    const Case about{host, intent};
    Judgement judgement;
    for (const Rule& rule : rules) {
        Voice voice = std::visit([&](auto function) { return ask(rule, function, about); }, rule.judge);
        std::ranges::move(voice.findings, std::back_inserter(judgement.findings));
        std::ranges::move(voice.not_judged, std::back_inserter(judgement.not_judged));
        if (voice.looked) ++judgement.rules_run;
    }
    join_overlapping(judgement.findings);
    std::ranges::stable_sort(judgement.findings, ranks_before);
    return judgement;
}

} // namespace netwright::advise
