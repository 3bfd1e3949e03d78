// SPDX-License-Identifier: GPL-2.0-or-later
// Ten steps with their marks.
#include "report/checklist_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace netwright::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t most_seen = 6; // the audit tells the rest

struct Sign {
    std::string_view box;
    Tone tone;
};

Sign sign(Mark mark)
{
    constexpr std::array signs{Sign{"[x]", Tone::Green}, Sign{"[~]", Tone::Yellow}, Sign{"[ ]", Tone::Red},
                               Sign{"[-]", Tone::Dim}, Sign{"[?]", Tone::Yellow}};
    return signs.at(static_cast<std::size_t>(mark));
}

std::string step_text(const ChecklistStep& step, std::size_t number, const Style& style)
{
    const auto [box, tone] = sign(step.mark);
    std::string text = fmt::format("{} {:>2}. {}: {}\n", paint(box, tone, style), number,
                                   paint(step.name, Tone::Bold, style), to_text(step.mark));
    text += hanging("        ", step.question, 8, style, Tone::Dim, Tone::Dim);
    for (std::size_t i = 0; i < std::min(step.seen.size(), most_seen); ++i)
        text += hanging("        - ", printable(step.seen[i]), 10, style);
    if (step.seen.size() > most_seen) text += fmt::format("        - and {} more\n", step.seen.size() - most_seen);
    if (!step.next.empty()) text += hanging("        next: ", step.next, 14, style, Tone::Cyan);
    return text;
}

} // namespace

std::string checklist_text(std::span<const ChecklistStep> steps, const Style& style)
{
    std::string text;
    for (std::size_t i = 0; i < steps.size(); ++i)
        text += step_text(steps[i], i + 1, style);
    const auto settled = std::ranges::count_if(
        steps, [](const ChecklistStep& one) { return one.mark == Mark::Done || one.mark == Mark::NotNeeded; });
    return text + fmt::format("\n{} of {} steps are settled.\n", settled, steps.size());
}

std::string checklist_json(std::span<const ChecklistStep> steps)
{
    Json list = Json::array();
    for (const ChecklistStep& step : steps) {
        Json seen = Json::array();
        for (const std::string& one : step.seen)
            seen.push_back(printable(one));
        list.push_back({{"name", step.name},
                        {"question", step.question},
                        {"mark", to_text(step.mark)},
                        {"seen", std::move(seen)},
                        {"next", step.next}});
    }
    const Json json{{"schema", 1}, {"steps", std::move(list)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace netwright::report
