// SPDX-License-Identifier: GPL-2.0-or-later
// The ways in a table a task, what each takes away, and which to take.
#include "report/ways_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace netwright::report {
namespace {

constexpr std::size_t label = 20;

std::string ratio_text(const WayRow& row, std::optional<double> ratio)
{
    if (row.figures.way == Way::Stack) return "1";
    return ratio ? fmt::format("{:.2f}", *ratio) : "not enough data";
}

std::vector<std::string> cells(const WayRow& row)
{
    const double spread = row.rate > 0 ? 50 * (row.highest - row.lowest) / row.rate : 0;
    return {std::string(to_text(row.figures.way)), packet_rate_text(row.rate),
            fmt::format("± {:.0f} %", spread),     fmt::format("{:.1f} %", 100 * row.lost),
            fmt::format("{:.3f} s", row.cpu),      ratio_text(row, row.rate_ratio),
            ratio_text(row, row.cpu_ratio)};
}

std::string task_text(const WaysPage& page, WayTask task, const Style& style)
{
    std::vector<std::vector<std::string>> rows{
        {"way", "handled", "spread", "lost", "CPU/million", "rate : stack", "CPU : stack"}};
    std::string absent;
    for (const WayRow& row : page.rows) {
        if (row.figures.task != task) continue;
        if (!row.figures.runs.empty())
            rows.push_back(cells(row));
        else
            absent += hanging(to_text(row.figures.way), printable("absent: " + row.figures.absent), label, style);
    }
    const bool nothing = rows.size() == 1 && absent.empty();
    if (nothing) return "";
    return fmt::format("{}\n{}{}\n", paint(task == WayTask::Drop ? "Dropping" : "Forwarding", Tone::Bold, style),
                       rows.size() > 1 ? table(rows, style) : "", absent);
}

std::string setting_text(const WaysPage& page, const Style& style)
{
    const WayPlaces& places = page.setting.places;
    std::string text = fmt::format(
        "Measured on veth pairs in namespaces of its own, Linux {}, {}; no interface of this host was touched. What "
        "carries over to a NIC is the ratios, not the figures. UDP datagrams of 60 bytes, 256 flows, from {}",
        page.setting.kernel,
        page.wanted ? fmt::format("at {}", packet_rate_text(*page.wanted)) : "as fast as they can be sent",
        page.setting.live_frames ? "the kernel's own generator (XDP live frames)" : "a packet socket (sendmmsg)");
    text += fmt::format(" on CPU {}; CPU {} receives.", places.generator, places.receiver);
    if (places.beneath == places.generator && places.program != places.generator)
        text += fmt::format(" Programs run on CPU {}, and what the kernel does beneath them beside the generator.",
                            places.program);
    else
        text += fmt::format(" Programs run on CPU {}.", places.program);
    std::string lines;
    for (const std::string& line : wrap(printable(text), style.width))
        lines += line + "\n";
    return lines + "\n";
}

std::string costs_text(const WaysPage& page, const Style& style)
{
    std::string text = paint("What each takes away", Tone::Bold, style) + "\n";
    for (const WayCost& cost : page.costs)
        for (std::size_t i = 0; i < cost.taken.size(); ++i)
            text += hanging(i == 0 ? to_text(cost.way) : "", fmt::format("- {}", cost.taken[i]), label, style);
    return text;
}

} // namespace

std::string ways_text(const WaysPage& page, const Style& style)
{
    std::string text = setting_text(page, style);
    for (const WayTask task : {WayTask::Drop, WayTask::Forward})
        text += task_text(page, task, style);
    text += costs_text(page, style);
    if (!page.wanted) return text + "\nWith --rate 2M it says which way to take for two million packets a second.\n";
    text += "\n";
    for (const WayChoice& choice : page.choices) {
        const std::string name = fmt::format("To {}", to_text(choice.task));
        const std::string way = choice.way ? fmt::format("{}: ", to_text(*choice.way)) : "";
        text += hanging(name, way + choice.reason, label, style, choice.way ? Tone::Green : Tone::Yellow);
    }
    return text;
}

} // namespace netwright::report
