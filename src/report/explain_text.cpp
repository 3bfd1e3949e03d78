// SPDX-License-Identifier: GPL-2.0-or-later
// The explanation for people.
#include "report/explain_report.h"

#include <fmt/format.h>

namespace netwright::report {
namespace {

constexpr std::size_t indent = 13; // "  interplay  "

class Page {
public:
    explicit Page(const Style& style) : style_(style) {}

    void title(std::string_view name, std::string_view kind)
    {
        text_ += fmt::format("{}  {}\n", paint(name, Tone::Bold, style_), paint(kind, Tone::Dim, style_));
    }
    void prose(std::string_view sentence) { text_ += hanging("  ", sentence, 2, style_) + '\n'; }
    void line(std::string_view label, std::string_view value, Tone tone = Tone::Plain)
    {
        text_ += hanging(fmt::format("  {:<11}", label), value, indent, style_, Tone::Dim, tone);
    }
    std::string take() && { return std::move(text_); }

private:
    const Style& style_;
    std::string text_;
};

std::string value_line(const SeenHere& seen)
{
    const std::string value = seen.value ? (seen.value->empty() ? "(empty)" : printable(*seen.value))
                                         : fmt::format("not to be seen: {}", seen.value.error().what);
    return seen.address.empty() ? value : fmt::format("{} = {}", printable(seen.address), value);
}

void add_values(Page& page, const std::vector<SeenHere>& here)
{
    for (std::size_t i = 0; i < here.size(); ++i)
        page.line(i ? "" : "here", value_line(here[i]), here[i].value ? Tone::Green : Tone::Plain);
}

std::string_view standing(const SetBy& one)
{
    if (!one.read_at_boot) return " (not read at boot, only by sysctl --system)";
    return one.wins ? "" : " (overridden)";
}

void add_setters(Page& page, const std::vector<SetBy>& setters)
{
    for (std::size_t i = 0; i < setters.size(); ++i) {
        const SetBy& one = setters[i];
        page.line(i ? "" : "set by", fmt::format("{} line {}: {} = {}{}", one.path, one.line, printable(one.key),
                                                 printable(one.value), standing(one)));
    }
}

std::string life(const catalog::Parameter& parameter)
{
    std::string text;
    if (!parameter.introduced.empty()) text = fmt::format("since Linux {}", parameter.introduced);
    if (!parameter.removed.empty())
        text += fmt::format("{}removed in Linux {}", text.empty() ? "" : ", ", parameter.removed);
    return text;
}

std::string with_estimate(std::string text, const std::optional<std::string>& estimated)
{
    if (estimated) text += fmt::format("; about {} for this host's memory", *estimated);
    return text;
}

std::string default_line(const Explanation& one, const catalog::Parameter& parameter, const ExplainView& view)
{
    const std::string text = default_text(parameter, view.kernel);
    if (text.empty()) return {};
    return fmt::format("{} (Linux {}.{})", with_estimate(text, one.estimated), view.kernel.major, view.kernel.minor);
}

std::string effect(const catalog::Parameter& parameter, KernelVersion kernel)
{
    return fmt::format("{}; {}", reach_text(parameter, kernel), parameter.takes_effect);
}

std::string explain(const Explanation& one, const catalog::Parameter& parameter, const ExplainView& view,
                    const Style& style)
{
    Page page(style);
    page.title(parameter.key, plane_text(parameter.plane));
    page.prose(parameter.does);
    add_values(page, one.here);
    page.line("default", default_line(one, parameter, view));
    page.line("range", range_text(parameter));
    add_setters(page, one.set_by);
    page.line("reaches", effect(parameter, view.kernel));
    page.line("when", parameter.tune);
    page.line("formula", parameter.formula);
    page.line("interplay", parameter.interactions);
    page.line("look at", parameter.evidence);
    page.line("myth", parameter.myth, Tone::Yellow);
    page.line("security", parameter.security);
    page.line("risk", to_text(parameter.risk));
    page.line("life", life(parameter));
    page.line("netwright", policy_text(parameter.policy));
    page.line("source", parameter.source, Tone::Dim);
    return std::move(page).take();
}

std::string_view harm_text(catalog::Harm harm)
{
    constexpr std::array<std::string_view, 4> words{"harmless", "somebody's rule: as intended, or a rule to mend",
                                                    "depends on what else grows", "harmful while it grows"};
    return words.at(static_cast<std::size_t>(harm));
}

std::string related_names(const catalog::Topic& topic)
{
    std::string text;
    for (const std::string_view name : topic.related)
        text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
    return text;
}

std::string explain(const Explanation& one, const catalog::Topic& topic, const Style& style)
{
    Page page(style);
    const std::string kind(catalog::to_text(topic.kind));
    page.title(topic.name, one.asked.empty() ? kind : fmt::format("explains {}", printable(one.asked)));
    page.prose(topic.means);
    add_values(page, one.here);
    if (topic.kind != catalog::TopicKind::Gauge) page.line("growth is", harm_text(topic.harm));
    page.line("look at", topic.look);
    page.line("beware", topic.beware, Tone::Yellow);
    page.line("layer", topic.layer);
    page.line("counts", fmt::format("{}, for {}", topic.unit.empty() ? "events" : topic.unit, scope_text(topic.scope)));
    page.line("read it in", topic.where);
    page.line("related", related_names(topic));
    page.line("life", topic.introduced.empty() ? "" : fmt::format("since Linux {}", topic.introduced));
    page.line("source", topic.source, Tone::Dim);
    return std::move(page).take();
}

} // namespace

std::string explain_text(const ExplainView& view, const Style& style)
{
    std::string text;
    for (const Explanation& one : view.explanations) {
        if (!text.empty()) text += '\n';
        if (const auto* const parameter = std::get_if<const catalog::Parameter*>(&one.known))
            text += explain(one, **parameter, view, style);
        else
            text += explain(one, *std::get<const catalog::Topic*>(one.known), style);
    }
    return text;
}

std::string explain_list_text(const ExplainView& view, const Style& style)
{
    std::vector<std::vector<std::string>> rows{{"NAME", "HERE", "WHAT"}};
    for (const Explanation& one : view.explanations) {
        const bool plain = one.here.size() == 1 && one.here.front().value;
        rows.push_back({std::string(catalog::name_of(one.known)), plain ? printable(*one.here.front().value) : "",
                        std::string(catalog::summary_of(one.known))});
    }
    return table(rows, style);
}

} // namespace netwright::report
