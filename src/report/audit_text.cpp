// SPDX-License-Identifier: GPL-2.0-or-later
// The audit's text form.
#include "report/audit_text.h"

#include "report/changes_text.h"
#include "report/intent_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace netwright::report {
namespace {

constexpr std::size_t label_width = 12; // "  security  "
constexpr std::size_t evidence_when_brief = 2;
constexpr std::size_t names_shown = 4;

// ── header ────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string interval_words(const Snapshot& snapshot)
{
    if (snapshot.interval.count() == 0) return "one sample: totals since boot only";
    return fmt::format("two samples, {} apart", duration_text(snapshot.interval));
}

std::string host_words(const Snapshot& snapshot)
{
    std::string text = snapshot.surroundings.hostname.empty() ? "unnamed host" : snapshot.surroundings.hostname;
    text += fmt::format(" · Linux {} {}", snapshot.kernel.release, snapshot.kernel.architecture);
    if (snapshot.topology) text += " · " + counted(snapshot.topology->online.count(), "CPU");
    if (snapshot.nics) text += " · " + counted(snapshot.nics->size(), "interface");
    const auto& container = snapshot.surroundings.container;
    if (container && *container != "none") text += fmt::format(" · inside {}", *container);
    const auto& cloud = snapshot.surroundings.cloud;
    if (cloud && *cloud != "none") text += fmt::format(" · {}", *cloud);
    if (snapshot.origin != "live" && !snapshot.origin.empty()) text += " · from " + snapshot.origin;
    return text + " · " + interval_words(snapshot);
}

// ── findings ──────────────────────────────────────────────────────────────────────────────────────────────────────

class Lines { // label and text pairs; a label is written once for the run of lines that share it
public:
    explicit Lines(const Style& style) : style_(style) {}
    void add(std::string_view label, std::string_view text, Tone tone = Tone::Plain)
    {
        const bool repeated = label == last_;
        text_ += hanging(repeated ? "" : fmt::format("  {}", label), text, label_width, style_, Tone::Dim, tone);
        if (!text.empty()) last_ = label;
    }
    std::string take() { return std::move(text_); }

private:
    const Style& style_;
    std::string text_, last_;
};

void add_remedy(Lines& lines, const Finding& finding)
{
    for (const Change& change : finding.remedy)
        lines.add("do", change_words(change), Tone::Bold);
    for (const std::string& advice : finding.advice)
        lines.add(finding.remedy.empty() ? "do" : "by hand", advice);
}

void add_background(Lines& lines, const Finding& finding)
{
    const bool acts = !finding.remedy.empty() || !finding.advice.empty();
    if (acts)
        lines.add("risk", finding.side_effects.empty() ? std::string(to_text(finding.risk))
                          : finding.remedy.empty() && finding.side_effects.starts_with("none")
                              ? finding.side_effects
                              : fmt::format("{}: {}", to_text(finding.risk), finding.side_effects));
    lines.add("security", finding.security, Tone::Yellow);
    std::string sources;
    for (const std::string& source : finding.sources)
        sources += (sources.empty() ? "" : ", ") + source;
    lines.add("source", sources, Tone::Dim);
}

std::string title_of(const Finding& finding, const Style& style)
{
    std::string severity(to_text(finding.severity));
    std::ranges::transform(severity, severity.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    const std::string label = padded(fmt::format("{} {}", mark(finding.severity), severity), 11);
    const Tone tone = tone_of(finding.severity);
    std::string text = hanging(label, finding.title, label_width, style, tone, Tone::Bold);
    std::string about = finding.rule;
    if (!finding.subject.empty()) about += " · " + finding.subject;
    return text + hanging("", fmt::format("{} · {}", about, to_text(finding.confidence)), label_width, style,
                          Tone::Plain, Tone::Dim);
}

std::string finding_text(const Finding& finding, const Style& style, Detail detail)
{
    Lines lines(style);
    std::size_t shown = 0;
    for (const Evidence& evidence : finding.evidence)
        if (detail == Detail::Full || shown++ < evidence_when_brief)
            lines.add("seen", fmt::format("{}: {}", evidence.source, evidence.value));
    if (detail == Detail::Full) {
        lines.add("why", finding.why);
        lines.add("cost", finding.cost);
    }
    add_remedy(lines, finding);
    if (detail == Detail::Full) add_background(lines, finding);
    return title_of(finding, style) + lines.take() + '\n';
}

bool is_convention(const Finding& finding) { return finding.confidence == Confidence::Convention; }

// Conventions are short: nothing on this host says that they hurt.
std::string conventions_text(const Judgement& judgement, const Style& style)
{
    std::string text;
    for (const Finding& finding : judgement.findings) {
        if (!is_convention(finding)) continue;
        if (text.empty())
            text = paint("Conventions (nothing on this host shows that they matter)", Tone::Bold, style) + '\n';
        text += hanging(fmt::format("  {}", mark(finding.severity)),
                        fmt::format("{} [{}]", finding.title, finding.rule), 4, style, tone_of(finding.severity));
        for (const Change& change : finding.remedy)
            text += hanging("", change_words(change), 6, style);
        for (const std::string& advice : finding.advice)
            text += hanging("", advice, 6, style);
    }
    return text.empty() ? text : text + '\n';
}

// ── what is missing ───────────────────────────────────────────────────────────────────────────────────────────────

std::string rule_words(const NotJudged& item)
{
    return item.subject.empty() ? item.rule : fmt::format("{} ({})", item.rule, item.subject);
}

// A host-wide key in a container, a key of a newer kernel: many rules, each with a key of its own, and one reason.
struct Lack {
    std::string reason, rule;
};
Lack lack_of(const NotJudged& item)
{
    constexpr std::string_view absent = ": not in this kernel or namespace";
    const std::string& what = item.why.what;
    if (!what.ends_with(absent)) return {what, rule_words(item)};
    return {std::string(absent.substr(2)),
            fmt::format("{} [{}]", rule_words(item), std::string_view(what).substr(0, what.size() - absent.size()))};
}

std::string not_judged_text(const Judgement& judgement, const Style& style)
{
    if (judgement.not_judged.empty()) return "";
    std::map<std::string, std::vector<std::string>> by_reason;
    for (const NotJudged& item : judgement.not_judged) {
        Lack lack = lack_of(item);
        by_reason[std::move(lack.reason)].push_back(std::move(lack.rule));
    }
    std::string text =
        paint(fmt::format("Not judged ({}): what these rules ask stays open", judgement.not_judged.size()), Tone::Bold,
              style) +
        '\n';
    for (const auto& [reason, rules] : by_reason)
        text += hanging("  -", fmt::format("{}: {}", reason, first_few(rules, names_shown)), 4, style);
    return text + '\n';
}

struct GapGroup {
    Error::Kind kind;
    std::string_view words;
};
constexpr std::array gap_groups{
    GapGroup{Error::Kind::Refused, "needs root, or is closed to this process"},
    GapGroup{Error::Kind::Unsupported, "this kernel or driver cannot say"},
    GapGroup{Error::Kind::Malformed, "could not be understood"},
    GapGroup{Error::Kind::Busy, "was busy"},
    GapGroup{Error::Kind::Interrupted, "was cut short"},
    GapGroup{Error::Kind::Mismatch, "changed while it was read"},
    GapGroup{Error::Kind::Rejected, "refused the question"},
};

// What a person need not read: things that do not exist here, loopback's missing hardware, keys made for writing only.
// The JSON forms hold them all.
bool worth_saying(const Gap& gap)
{
    return gap.why.kind != Error::Kind::Absent && !gap.where.starts_with("nics[lo]") &&
           !gap.why.what.ends_with("can only be written");
}

std::string not_seen_text(const Snapshot& snapshot, const Style& style)
{
    std::vector<Gap> all = gaps(snapshot);
    std::erase_if(all, [](const Gap& gap) { return !worth_saying(gap); });
    std::string text;
    for (const GapGroup& group : gap_groups) {
        std::vector<std::string> places;
        for (const Gap& gap : all)
            if (gap.why.kind == group.kind) places.push_back(gap.where);
        if (places.empty()) continue;
        text += hanging("  -", fmt::format("{} ({}): {}", group.words, places.size(), first_few(places, names_shown)),
                        4, style);
    }
    if (text.empty()) return text;
    return paint(fmt::format("Not seen ({})", all.size()), Tone::Bold, style) + '\n' + text + '\n';
}

std::string no_fault_text(const Judgement& judgement, const Snapshot& snapshot, const Style& style)
{
    const std::string looked =
        fmt::format("{} looked at {}", counted(judgement.rules_run, "rule"),
                    snapshot.interval.count() == 0
                        ? "totals since boot; two samples (--seconds) would also show what happens now"
                        : fmt::format("{} of this host's counters and settings", duration_text(snapshot.interval)));
    return paint("No fault found.", Tone::Green, style) + '\n' + hanging("", looked + '.', 0, style) + '\n';
}

} // namespace

std::string audit_summary(const Judgement& judgement)
{
    constexpr std::array severities{Severity::Critical, Severity::High, Severity::Medium, Severity::Low,
                                    Severity::Info};
    std::string counts;
    for (const Severity severity : severities) {
        const auto number = std::ranges::count(judgement.findings, severity, &Finding::severity);
        if (number != 0) counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", number, to_text(severity));
    }
    std::string text = counted(judgement.findings.size(), "finding");
    if (!counts.empty()) text += fmt::format(" ({})", counts);
    text += ", " + counted(judgement.rules_run, "rule");
    if (!judgement.not_judged.empty()) text += fmt::format(", {} not judged", judgement.not_judged.size());
    return text;
}

std::string audit_text(const Judgement& judgement, const Snapshot& snapshot, const Intent& intent, const Style& style,
                       Detail detail)
{
    std::string text = hanging("", host_words(snapshot), 0, style, Tone::Plain, Tone::Bold);
    text += hanging("for: ", intent_sentence(intent), 5, style) + '\n';
    if (std::ranges::all_of(judgement.findings, is_convention)) text += no_fault_text(judgement, snapshot, style);
    for (const Finding& finding : judgement.findings)
        if (!is_convention(finding)) text += finding_text(finding, style, detail);
    text += conventions_text(judgement, style);
    text += not_judged_text(judgement, style);
    text += not_seen_text(snapshot, style);
    return text + paint(audit_summary(judgement), Tone::Bold, style) + '\n';
}

} // namespace netwright::report
