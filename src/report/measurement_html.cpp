// SPDX-License-Identifier: GPL-2.0-or-later
// A measurement as a page of its own: the numbers as a table, the distributions as drawings in SVG.
#include "report/html.h"
#include "report/measurement_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cmath>

namespace netwright::report {
namespace {

constexpr double width = 720, height = 220, margin = 40;

// Latency over "nines": where the tail lies shows as HdrHistogram's plots show it.
std::string percentile_curve(const Histogram& histogram, double scale)
{
    constexpr std::array shares{0.0,  0.1,  0.2,  0.3,   0.4,   0.5,   0.6,    0.7,    0.8,    0.9,
                                0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99999};
    const double least = std::log10(std::max(1.0, static_cast<double>(histogram.smallest()) * scale));
    const double most = std::log10(std::max(2.0, static_cast<double>(histogram.largest()) * scale));
    const double span = std::max(most - least, 0.1);
    std::string points;
    for (const double share : shares) {
        const double x = margin + (width - 2 * margin) * -std::log10(1 - share) / 5;
        const double value = std::log10(std::max(1.0, static_cast<double>(histogram.quantile(share)) * scale));
        points += fmt::format("{:.1f},{:.1f} ", x, height - margin - (height - 2 * margin) * (value - least) / span);
    }
    std::string ticks;
    for (const auto& [nines, label] :
         {std::pair{0.0, "0"}, {1.0, "90 %"}, {2.0, "99 %"}, {3.0, "99.9 %"}, {4.0, "99.99 %"}})
        ticks += fmt::format("<text x='{:.0f}' y='{}'>{}</text>", margin + (width - 2 * margin) * nines / 5,
                             height - 20, label);
    return fmt::format("<svg viewBox='0 0 {0} {1}' role='img'><polyline points='{2}'/>{3}<text x='0' y='{4}'>{5}</text>"
                       "<text x='0' y='20'>{6}</text></svg>",
                       width, height, points, ticks, height - margin,
                       metric_text("us", static_cast<double>(histogram.smallest()) * scale),
                       metric_text("us", static_cast<double>(histogram.largest()) * scale));
}

// How often each value came, values on a logarithmic axis.
std::string bars(const Histogram& histogram, double scale)
{
    constexpr std::size_t slots = 120;
    std::array<double, slots> counts{};
    const double least = std::log(std::max(1.0, static_cast<double>(histogram.smallest())));
    const double span = std::max(std::log(std::max(2.0, static_cast<double>(histogram.largest()))) - least, 0.01);
    double most = 1;
    for (const auto& bucket : histogram.filled()) {
        const double place = (std::log(std::max(1.0, static_cast<double>(bucket.from))) - least) / span * (slots - 1);
        const auto slot = static_cast<std::size_t>(std::clamp(place, 0.0, slots - 1.0));
        counts[slot] += static_cast<double>(bucket.count);
        most = std::max(most, counts[slot]);
    }
    std::string drawn;
    const double step = (width - 2 * margin) / slots;
    for (std::size_t i = 0; i < slots; ++i) {
        const double tall = (height - 2 * margin) * counts[i] / most;
        drawn += fmt::format("<rect x='{:.1f}' y='{:.1f}' width='{:.1f}' height='{:.1f}'/>",
                             margin + step * static_cast<double>(i), height - margin - tall, step * 0.9, tall);
    }
    return fmt::format("<svg viewBox='0 0 {0} {1}' role='img'>{2}<text x='{3}' y='{4}'>{5}</text>"
                       "<text x='{6}' y='{4}' text-anchor='end'>{7}</text></svg>",
                       width, height, drawn, margin, height - 20,
                       metric_text("us", static_cast<double>(histogram.smallest()) * scale), width - margin,
                       metric_text("us", static_cast<double>(histogram.largest()) * scale));
}

std::string section(std::string_view title, const Histogram& histogram, double to_us)
{
    if (histogram.empty()) return {};
    return fmt::format("<h2>{}</h2>{}{}", title, bars(histogram, to_us), percentile_curve(histogram, to_us));
}

} // namespace

std::string measurement_html(const Measurement& m)
{
    std::string rows;
    for (const Metric& one : metrics(m))
        rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>", one.name, metric_text(one.unit, one.value));
    std::string notes;
    for (const auto* list : {&m.labels, &m.warnings})
        for (const std::string& note : *list)
            notes += fmt::format("<li>{}</li>", html_escaped(note));
    const std::string title = fmt::format("{} to {}", to_text(m.traffic.kind), html_escaped(m.peer));
    return fmt::format("<!doctype html><html lang='en'><meta charset='utf-8'><title>netwright bench: {0}</title><style>"
                       "body{{font:15px/1.5 system-ui,sans-serif;max-width:760px;margin:2em auto;padding:0 1em}}"
                       "td{{padding:.1em 1.5em .1em 0;border-bottom:1px solid #ddd}}svg{{width:100%}}svg "
                       "text{{font-size:12px;fill:#555}}"
                       "rect{{fill:#47a}}polyline{{fill:none;stroke:#c52;stroke-width:2}}</style>"
                       "<h1>{0}</h1><p>{1:%Y-%m-%d %H:%M:%S} UTC, {2}, Linux {3} to Linux "
                       "{4}</p><table>{5}</table><ul>{6}</ul>{7}{8}{9}{10}</html>\n",
                       title, fmt::gmtime(std::chrono::system_clock::to_time_t(m.taken)), html_escaped(m.hostname),
                       html_escaped(m.kernel), html_escaped(m.server_kernel), rows, notes,
                       section("Latency", m.client.latency_ns, 1e-3),
                       section("One-way delay above the least", m.server.delay_ns, 1e-3),
                       section("Delay variation", m.server.variation_ns, 1e-3),
                       section("Round trip in tcp_info", m.client.rtt_us, 1));
}

} // namespace netwright::report
