// SPDX-License-Identifier: GPL-2.0-or-later
// A measurement on a terminal: what decides first, then latencies as a line, then both ends' costs.
#include "base/units.h"
#include "report/measurement_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cmath>

namespace netwright::report {
namespace {

std::string scaled(double value, std::string_view unit)
{
    constexpr std::array<std::string_view, 5> prefixes{"", "k", "M", "G", "T"};
    std::size_t step = 0;
    while (std::abs(value) >= 1000 && step + 1 < prefixes.size()) {
        value /= 1000;
        ++step;
    }
    return fmt::format("{:.3g} {}{}", value, prefixes[step], unit);
}

std::string microseconds(double us)
{
    if (us >= 1e6) return fmt::format("{:.3g} s", us / 1e6);
    if (us >= 1e3) return fmt::format("{:.3g} ms", us / 1e3);
    return fmt::format("{:.3g} us", us);
}

struct Group {
    std::string_view label;
    std::string_view prefix; // metrics whose name starts so stand in one line
};
constexpr std::array groups{Group{"latency", "latency-"}, Group{"client CPU", "client-"},
                            Group{"server CPU", "server-"}};

const Group* group_of(std::string_view name)
{
    for (const Group& group : groups)
        if (name.starts_with(group.prefix)) return &group;
    return nullptr;
}

std::string asked_text(const Traffic& traffic)
{
    std::string text =
        fmt::format("{} {}, {} bytes", traffic.flows, traffic.flows == 1 ? "flow" : "flows", traffic.message);
    const TrafficRow& row = row_of(traffic.kind);
    if (traffic.rate != 0)
        text += row.counts_bits ? ", " + to_text(BitRate{traffic.rate}) : fmt::format(", {} a second", traffic.rate);
    if (!traffic.congestion.empty()) text += ", " + traffic.congestion;
    return text + ", " + duration_text(traffic.duration);
}

} // namespace

std::string metric_text(std::string_view unit, double value)
{
    if (unit == "bit/s" || unit == "1/s" || unit == "byte") return scaled(value, unit == "1/s" ? "/s" : unit);
    if (unit == "us") return microseconds(value);
    if (unit == "%") return fmt::format("{:.3g} %", value);
    return fmt::format("{:.3g} {}", value, unit);
}

std::string measurement_text(const Measurement& measurement, const Style& style)
{
    std::string text = fmt::format(
        "{}  {}\n", paint(to_text(measurement.traffic.kind), Tone::Bold, style),
        paint("to " + printable(measurement.peer) + ", " + asked_text(measurement.traffic), Tone::Dim, style));
    std::string grouped;
    const Group* open = nullptr;
    const auto close = [&] {
        if (open) text += hanging(fmt::format("  {}", open->label), grouped, 24, style);
        open = nullptr;
        grouped.clear();
    };
    for (const Metric& one : metrics(measurement)) {
        const Group* const group = group_of(one.name);
        if (group != open) close();
        if (!group) {
            text += hanging(fmt::format("  {}", one.name), metric_text(one.unit, one.value), 24, style);
            continue;
        }
        open = group;
        grouped += fmt::format("{}{} {}", grouped.empty() ? "" : " · ", one.name.substr(group->prefix.size()),
                               metric_text(one.unit, one.value));
    }
    close();
    if (!measurement.client.congestion.empty())
        text += hanging("  congestion control", printable(measurement.client.congestion), 24, style);
    if (!measurement.client.first_failure.empty())
        text += hanging("  first failure", printable(measurement.client.first_failure), 24, style);
    for (const std::string& label : measurement.labels)
        text += hanging("  note", printable(label), 24, style);
    for (const std::string& warning : measurement.warnings)
        text += hanging("  warning", printable(warning), 24, style, Tone::Yellow);
    return text;
}

std::string measurement_csv(const Measurement& measurement)
{
    std::string text = "workload,metric,unit,value\n";
    for (const Metric& one : metrics(measurement))
        text += fmt::format("{},{},{},{:.9g}\n", to_text(measurement.traffic.kind), one.name, one.unit, one.value);
    return text;
}

} // namespace netwright::report
