// SPDX-License-Identifier: GPL-2.0-or-later
// Asks every cause, ranks what was seen, tells roots from consequences, and accounts for every drop.
#include "diagnose/diagnose.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "diagnose/drop_meanings.h"

namespace netwright::diagnose {
namespace {

constexpr double unexplained_per_second = 1; // drops that hurt and that no cause claims

// A verdict with what ranking needs beside it.
struct Candidate {
    FoundCause verdict;
    std::uint64_t pid = 0;
    std::string_view may_follow_from;
};

std::vector<std::string> lines_of(std::string_view text)
{
    std::vector<std::string> lines;
    for (std::string_view line; next_line(text, line);)
        if (!trim(line).empty()) lines.emplace_back(trim(line));
    return lines;
}

Candidate candidate_of(const Scene& scene, const Cause& cause, Sighting&& seen)
{
    Candidate candidate;
    candidate.pid = seen.pid;
    candidate.may_follow_from = cause.because_of;
    FoundCause& verdict = candidate.verdict;
    verdict.cause = cause.id;
    verdict.layer = cause.layer;
    verdict.nature = cause.nature;
    verdict.severity = std::max(cause.severity, seen.severity);
    verdict.events = seen.events;
    verdict.per_second = per_second(scene, seen.events);
    verdict.unit = cause.unit;
    verdict.title = cause.title;
    verdict.victim = std::move(seen.victim);
    verdict.why = cause.why;
    verdict.evidence = std::move(seen.evidence);
    verdict.confirm = lines_of(cause.confirm);
    verdict.remedy = std::move(seen.remedy);
    verdict.advice = seen.advice.empty() ? lines_of(cause.advice) : std::move(seen.advice);
    verdict.cost = cause.cost;
    verdict.no_use = cause.no_use;
    return candidate;
}

bool names(std::string_view ids, std::string_view id)
{
    std::string_view one;
    while (next_word(ids, one))
        if (one == id) return true;
    return false;
}

// The first cause in the list that explains this one. Two that name different processes have nothing to do with each
// other.
std::string root_of(const Candidate& follower, const std::vector<Candidate>& all)
{
    for (const Candidate& root : all) {
        const bool same = root.pid == 0 || follower.pid == 0 || root.pid == follower.pid;
        if (same && names(follower.may_follow_from, root.verdict.cause)) return root.verdict.cause;
    }
    return "";
}

// What stands for itself before what follows; what hurts before what was asked for; then weight, then number.
bool more_important(const Candidate& a, const Candidate& b)
{
    const auto rank = [](const FoundCause& verdict) {
        return std::tuple(!verdict.because_of.empty(), verdict.nature, -static_cast<int>(verdict.severity),
                          -verdict.per_second);
    };
    return rank(a.verdict) < rank(b.verdict);
}

// Drops that hurt and that no cause's row names: better an honest "the kernel calls it X" than silence.
std::optional<Candidate> unexplained(const Scene& scene, const DropMeaning& meaning, std::uint64_t packets)
{
    if (meaning.nature == Nature::Harmless || per_second(scene, packets) < unexplained_per_second) return std::nullopt;
    Candidate candidate;
    FoundCause& verdict = candidate.verdict;
    verdict.cause = fmt::format("drop-{}", meaning.reason);
    verdict.layer = meaning.layer;
    verdict.nature = meaning.nature;
    verdict.severity = Severity::Low;
    verdict.events = packets;
    verdict.per_second = per_second(scene, packets);
    verdict.unit = "packets dropped";
    verdict.title = fmt::format("The kernel drops packets for the reason {}", meaning.reason);
    verdict.why = meaning.words;
    verdict.evidence = drop_evidence(scene, meaning.reason);
    verdict.confirm = {"perf trace -e skb:kfree_skb --max-stack 8"};
    verdict.advice = {"find out who sends these packets: the evidence names protocol, port and interface"};
    if (!meaning.look.empty()) verdict.advice.insert(verdict.advice.begin(), std::string(meaning.look));
    verdict.cost = "none: advice only";
    return candidate;
}

// The rows that name this drop's reason.
bool known(const DropCount& drop, const std::vector<const Cause*>& causes)
{
    return std::ranges::any_of(causes, [&](const Cause* cause) { return is_among(drop, cause->reasons); });
}

// Is it part of a cause that was found?
bool told(const DropCount& drop, const std::vector<const Cause*>& causes, const std::vector<Candidate>& found)
{
    return std::ranges::any_of(causes, [&](const Cause* cause) {
        return is_among(drop, cause->reasons) &&
               std::ranges::any_of(found, [&](const Candidate& one) { return one.verdict.cause == cause->id; });
    });
}

// Every drop belongs to a cause that was found, makes one of its own, or is told among the quiet ones.
void account_for_drops(const Scene& scene, const std::vector<const Cause*>& causes, bool every_symptom,
                       Diagnosis& diagnosis, std::vector<Candidate>& candidates)
{
    if (!scene.drops) return;
    std::map<std::pair<std::string, std::string>, std::uint64_t> quiet; // reason and place
    std::map<std::string, std::uint64_t> unclaimed;
    for (const DropCount& drop : scene.drops->drops) {
        if (told(drop, causes, candidates)) continue;
        quiet[{drop.reason, drop.location}] += drop.packets;
        if (!known(drop, causes)) unclaimed[drop.reason] += drop.packets;
    }
    for (const auto& [reason, packets] : unclaimed) {
        const auto meaning = meaning_of(reason);
        auto found = meaning && every_symptom ? unexplained(scene, *meaning, packets) : std::nullopt;
        if (!found) continue;
        candidates.push_back(*std::move(found));
        const std::string& told_now = reason;
        std::erase_if(quiet, [&told_now](const auto& one) { return one.first.first == told_now; });
    }
    for (const auto& [key, packets] : quiet) {
        const auto meaning = meaning_of(key.first);
        diagnosis.quiet.push_back({key.first, key.second, packets, std::string(meaning ? meaning->words : "")});
    }
    std::ranges::stable_sort(diagnosis.quiet, std::ranges::greater{}, &QuietDrop::packets);
}

bool wanted(const Cause& cause, const std::vector<Symptom>& symptoms)
{
    return symptoms.empty() || std::ranges::any_of(symptoms, [&](Symptom symptom) {
               return (cause.symptoms & (1U << static_cast<unsigned>(symptom))) != 0;
           });
}

void ask(const Scene& scene, const Cause& cause, Diagnosis& diagnosis, std::vector<Candidate>& candidates)
{
    Sightings seen = cause.look ? cause.look(scene, cause) : count_events(scene, cause);
    if (!seen) {
        diagnosis.not_seen.push_back({std::string(cause.what), seen.error()});
        return;
    }
    if (seen->empty()) diagnosis.cleared.push_back({std::string(cause.id), cause.layer, std::string(cause.what)});
    for (Sighting& sighting : *seen)
        candidates.push_back(candidate_of(scene, cause, std::move(sighting)));
}

void rank(std::vector<Candidate>& candidates, Diagnosis& diagnosis)
{
    for (Candidate& candidate : candidates)
        candidate.verdict.because_of = root_of(candidate, candidates);
    std::ranges::stable_sort(candidates, more_important);
    for (Candidate& candidate : candidates)
        diagnosis.causes.push_back(std::move(candidate.verdict));
}

std::string host_words(const Snapshot& host)
{
    return fmt::format("{} · Linux {}",
                       host.surroundings.hostname.empty() ? "unnamed host" : host.surroundings.hostname,
                       host.kernel.release);
}

} // namespace

std::vector<const Cause*> all_causes()
{
    std::vector<const Cause*> all;
    for (const auto& layer :
         {nic_causes(), program_causes(), softirq_causes(), qdisc_causes(), netfilter_causes(), ip_causes(),
          neighbour_causes(), tcp_causes(), flow_causes(), listen_causes(), udp_causes(), application_causes()})
        for (const Cause& cause : layer)
            all.push_back(&cause);
    return all;
}

Diagnosis diagnose(const Scene& scene, const std::vector<Symptom>& symptoms)
{
    Diagnosis diagnosis;
    diagnosis.host = host_words(scene.now);
    diagnosis.network = scene.now.surroundings.network_namespace.value_or("");
    diagnosis.interval = scene.now.interval;
    diagnosis.symptoms = symptoms;
    if (!scene.drops) diagnosis.not_seen.push_back({"the kernel's drop reasons", scene.drops.error()});

    const auto causes = all_causes();
    std::vector<Candidate> candidates;
    for (const Cause* const cause : causes)
        if (wanted(*cause, symptoms)) ask(scene, *cause, diagnosis, candidates);
    account_for_drops(scene, causes, symptoms.empty(), diagnosis, candidates);
    rank(candidates, diagnosis);
    if (scene.drops) {
        diagnosis.events_lost = scene.drops->lost;
        diagnosis.drops_elsewhere = scene.drops->elsewhere;
        diagnosis.drops_unplaced = scene.drops->unplaced;
    }
    return diagnosis;
}

} // namespace netwright::diagnose
