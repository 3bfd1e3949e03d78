// SPDX-License-Identifier: GPL-2.0-or-later
// The diagnosis as text: causes first, then the packet's way, then how complete the answer is.
#include "base/units.h"
#include "model/counter_words.h"
#include "report/changes_text.h"
#include "report/diagnosis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <vector>

namespace netwright::report {
namespace {

constexpr std::size_t label_width = 11; // "   confirm "
constexpr std::size_t names_shown = 6, quiet_shown = 8;

std::string header(const Diagnosis& diagnosis)
{
    std::string text = diagnosis.host;
    if (!diagnosis.network.empty() && diagnosis.network != "init") text += " · " + diagnosis.network;
    text += fmt::format(" · watched for {}", duration_text(diagnosis.interval));
    std::vector<std::string_view> asked;
    for (const Symptom symptom : diagnosis.symptoms)
        asked.push_back(to_text(symptom));
    return text + (asked.empty() ? " · all symptoms" : fmt::format(" · {}", fmt::join(asked, ", ")));
}

std::string rate(double per_second)
{
    return per_second >= 10 ? grouped(static_cast<std::uint64_t>(per_second + 0.5)) : fmt::format("{:.1f}", per_second);
}

// A label is written once for the run of lines that share it.
void add(std::string& text, std::string_view label, const std::string& line, const Style& style,
         Tone tone = Tone::Plain)
{
    text += hanging(label.empty() ? "" : fmt::format("   {}", label), line, label_width + 1, style, Tone::Dim, tone);
}

void add_lines(std::string& text, std::string_view label, const std::vector<std::string>& lines, const Style& style)
{
    for (const std::string& line : lines) {
        add(text, label, line, style);
        label = "";
    }
}

std::string title_line(const FoundCause& verdict, std::size_t number, const Style& style)
{
    const Tone tone = verdict.nature == Nature::Policy ? Tone::Cyan : tone_of(verdict.severity);
    const std::string head = fmt::format("{} {} ", number, mark(verdict.severity));
    std::string text = hanging(head, verdict.title, columns(head), style, tone, Tone::Bold);
    std::string about = fmt::format("{} · {}", verdict.cause, to_text(verdict.layer));
    if (verdict.nature == Nature::Policy) about += " · somebody asked for it";
    if (verdict.events > 0)
        about += fmt::format(" · {} {}, {}/s", grouped(verdict.events), verdict.unit, rate(verdict.per_second));
    return text + hanging("", about, label_width + 1, style, Tone::Plain, Tone::Dim);
}

std::string verdict_text(const FoundCause& verdict, std::size_t number, const Style& style)
{
    std::string text = title_line(verdict, number, style);
    add(text, "who", verdict.victim, style, Tone::Bold);
    std::string_view label = "seen";
    for (const Evidence& evidence : verdict.evidence) {
        add(text, label, fmt::format("{}: {}", evidence.source, evidence.value), style);
        label = "";
    }
    add(text, "why", verdict.why, style);
    add_lines(text, "confirm", verdict.confirm, style);
    for (const Change& change : verdict.remedy)
        add(text, "do", change_words(change), style, Tone::Bold);
    add_lines(text, verdict.remedy.empty() ? "do" : "by hand", verdict.advice, style);
    add(text, "cost", verdict.cost, style);
    add(text, "no use", verdict.no_use, style);
    return text + "\n";
}

// A consequence needs few words: its root carries the remedy.
std::string consequence_text(const FoundCause& verdict, const Style& style)
{
    std::string line = fmt::format("{}: {}", verdict.cause, verdict.title);
    if (verdict.events > 0)
        line += fmt::format(" ({} {}, {}/s)", grouped(verdict.events), verdict.unit, rate(verdict.per_second));
    return hanging("  · ", line, 4, style) +
           hanging("", fmt::format("follows from {}", verdict.because_of), 4, style, Tone::Plain, Tone::Dim);
}

std::string causes_text(const Diagnosis& diagnosis, const Style& style)
{
    std::string text, consequences;
    std::size_t number = 0;
    for (const FoundCause& verdict : diagnosis.causes) {
        if (verdict.because_of.empty())
            text += verdict_text(verdict, ++number, style);
        else
            consequences += consequence_text(verdict, style);
    }
    if (!consequences.empty()) text += paint("What follows from it\n", Tone::Bold, style) + consequences + "\n";
    return text;
}

bool fault(const FoundCause& verdict) { return verdict.nature == Nature::Harmful; }

std::string summary(const Diagnosis& diagnosis, const Style& style)
{
    const auto faults = std::ranges::count_if(diagnosis.causes, fault);
    if (faults == 0 && diagnosis.causes.empty()) return paint("No fault found.\n", Tone::Green, style) + "\n";
    if (faults == 0) return paint("No fault found: what is dropped, somebody asked for.\n", Tone::Green, style) + "\n";
    return "";
}

struct LayerState {
    bool judged = false;
    double per_second = 0;
    bool cause = false, policy = false;
};

std::string layer_words(Layer layer, const LayerState& state, const Style& style)
{
    if (state.cause)
        return paint(fmt::format("{} ✖{}", to_text(layer),
                                 state.per_second > 0 ? fmt::format(" {}/s", rate(state.per_second)) : ""),
                     Tone::Red, style);
    if (state.policy)
        return paint(fmt::format("{} policy {}/s", to_text(layer), rate(state.per_second)), Tone::Cyan, style);
    return state.judged ? fmt::format("{} ok", to_text(layer)) : fmt::format("{} ?", to_text(layer));
}

// NIC ok → driver ok → … : where on its way a packet dies or waits.
std::string way_text(const Diagnosis& diagnosis, const Style& style)
{
    std::map<Layer, LayerState> layers;
    for (const Cleared& cleared : diagnosis.cleared)
        layers[cleared.layer].judged = true;
    for (const FoundCause& verdict : diagnosis.causes) {
        LayerState& state = layers[verdict.layer];
        state.judged = true;
        if (!verdict.because_of.empty()) continue;
        (fault(verdict) ? state.cause : state.policy) = true;
        state.per_second += verdict.per_second;
    }
    std::vector<std::string> words;
    for (const auto& [layer, state] : layers)
        words.push_back(layer_words(layer, state, style));
    return hanging("Way       ", fmt::format("{}", fmt::join(words, " → ")), 10, style, Tone::Bold);
}

std::string completeness(const Diagnosis& diagnosis, const Style& style)
{
    std::vector<std::string> cleared;
    for (const Cleared& one : diagnosis.cleared)
        cleared.push_back(one.what);
    std::string text =
        hanging("Not it    ",
                fmt::format("{} causes checked and not seen: {}", cleared.size(), first_few(cleared, names_shown)), 10,
                style, Tone::Bold);
    std::map<std::string, std::vector<std::string>> unseen; // by reason
    for (const NotSeen& one : diagnosis.not_seen)
        unseen[one.why.what].push_back(one.what);
    std::string_view label = "Not seen  ";
    for (const auto& [why, what] : unseen) {
        text += hanging(label, fmt::format("{}: {}", first_few(what, names_shown), why), 10, style, Tone::Bold,
                        Tone::Yellow);
        label = "          ";
    }
    if (unseen.empty()) text += hanging(label, "nothing: every source answered", 10, style, Tone::Bold);
    return text;
}

std::string quiet_text(const Diagnosis& diagnosis, const Style& style)
{
    std::string text;
    std::string_view label = "Harmless  ";
    std::size_t shown = 0;
    for (const QuietDrop& drop : diagnosis.quiet) {
        if (++shown > quiet_shown) break;
        text += hanging(label,
                        fmt::format("{} dropped in {}: {}{}", grouped(drop.packets),
                                    drop.location.empty() ? "an unnamed place" : drop.location + "()", drop.reason,
                                    drop.meaning.empty() ? " (not classified)" : fmt::format(", {}", drop.meaning)),
                        10, style, Tone::Bold);
        label = "          ";
    }
    if (diagnosis.quiet.size() > quiet_shown)
        text +=
            hanging("          ", fmt::format("and {} more kinds", diagnosis.quiet.size() - quiet_shown), 10, style);
    return text;
}

std::string losses(const Diagnosis& diagnosis, const Style& style)
{
    std::string text = fmt::format("events lost: {}", grouped(diagnosis.events_lost));
    if (diagnosis.drops_elsewhere > 0)
        text += fmt::format("; {} drops in other network namespaces", grouped(diagnosis.drops_elsewhere));
    if (diagnosis.drops_unplaced > 0)
        text += fmt::format("; {} drops whose namespace cannot be told", grouped(diagnosis.drops_unplaced));
    return hanging("Complete  ", text, 10, style, Tone::Bold);
}

} // namespace

std::string diagnosis_text(const Diagnosis& diagnosis, const Style& style)
{
    return hanging("", header(diagnosis), 0, style) + "\n" + summary(diagnosis, style) + causes_text(diagnosis, style) +
           way_text(diagnosis, style) + completeness(diagnosis, style) + quiet_text(diagnosis, style) +
           losses(diagnosis, style);
}

} // namespace netwright::report
